"""The flags that a filter is loaded with: seccomp(2), SECCOMP_SET_MODE_FILTER.

Apart from the compiler, so that a filter from the cache costs no more than this.
"""

from __future__ import annotations

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

#: Known, and without effect here: rung-init has one thread, and the kernel takes
#: WAIT_KILLABLE_RECV only with a listener (SCMP_ACT_NOTIFY).
_WITHOUT_EFFECT = ("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")


def filter_flags(seccomp: Seccomp) -> int:
    """The bits for seccomp(2). Without ``flags`` (an empty list is one) the default is runc's:
    SPEC_ALLOW, which spares every container the cost of the SSB mitigation."""
    if "flags" not in seccomp:
        return FLAGS["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
    bits = 0
    for flag in seccomp["flags"]:
        if flag not in _WITHOUT_EFFECT:
            bits |= FLAGS[flag]
    return bits


def has_filter(seccomp: Seccomp) -> bool:
    """Whether there is anything to load: as in runc, a section without action and calls is none."""
    return bool(seccomp.get("defaultAction"))
