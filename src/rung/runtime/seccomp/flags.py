"""The flags that a filter is loaded with: seccomp(2), SECCOMP_SET_MODE_FILTER.

Apart from the compiler, so that a filter from the cache costs no more than this.
"""

from __future__ import annotations

from rung.runtime.plan.steps import NEW_LISTENER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from rung.spec.runtime.config import Seccomp

#: Flag -> its bit.
FLAGS: Final[dict[str, int]] = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1 << 0,
    "SECCOMP_FILTER_FLAG_LOG": 1 << 1,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 1 << 2,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 1 << 5,
}

#: Known, and without effect here: whoever is bound by the filter has one thread.
_WITHOUT_EFFECT = "SECCOMP_FILTER_FLAG_TSYNC"
#: The kernel takes it only with a listener.
_WITH_LISTENER = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"


def filter_flags(seccomp: Seccomp) -> int:
    """The bits for seccomp(2). Without ``flags`` (an empty list is one) the default is runc's:
    SPEC_ALLOW, which spares every container the cost of the SSB mitigation."""
    bits = NEW_LISTENER if asks_agent(seccomp) else 0
    if "flags" not in seccomp:
        return bits | FLAGS["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
    for flag in seccomp["flags"]:
        if flag != _WITHOUT_EFFECT and (flag != _WITH_LISTENER or bits & NEW_LISTENER):
            bits |= FLAGS[flag]
    return bits


def asks_agent(seccomp: Seccomp) -> bool:
    """Whether calls are notified to an agent, who gets the filter's listener."""
    return any(call["action"] == "SCMP_ACT_NOTIFY" for call in seccomp.get("syscalls", ()))


def has_filter(seccomp: Seccomp) -> bool:
    """Whether there is anything to load: as in runc, a section without action and calls is none."""
    return bool(seccomp.get("defaultAction"))
