"""``linux.resources.devices`` on v1: which devices a container may open or make.

The kernel keeps a default (allow or deny) and exceptions from it (devcg, kernel
Documentation/admin-guide/cgroup-v1/devices.rst). A rule for all devices sets the default
and forgets the exceptions, whatever numbers and access it names. A rule that would take
a device out of a wildcard exception is silently ignored by the kernel; here it is an
error, since who wrote it believes the device denied. ``device_program`` (v2) has no such
limit.
"""

from __future__ import annotations

from rung.record import Record
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import Write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Device = tuple[str, int, int]  # "b" or "c", major, minor; -1 is every number

_FIELD = "linux.resources.devices"
_ALL = "a *:* rwm"


def _allow(kind: str, major: int, minor: int, access: str = "rwm") -> dict[str, Any]:
    return {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}


#: What every container may do whatever its configuration says, as with runc: make any
#: node, and use the default devices, its pseudo-terminals and tun. ``Cgroup.apply``
#: appends them. (The host's console, 5:1, is not among them: a container's /dev/console
#: is one of its own pseudo-terminals.)
DEFAULT_DEVICE_RULES: tuple[dict[str, Any], ...] = (
    _allow("c", -1, -1, "m"),
    _allow("b", -1, -1, "m"),
    _allow("c", 1, 3),  # null
    _allow("c", 1, 8),  # random
    _allow("c", 1, 7),  # full
    _allow("c", 5, 0),  # tty
    _allow("c", 1, 5),  # zero
    _allow("c", 1, 9),  # urandom
    _allow("c", 136, -1),  # pts
    _allow("c", 5, 2),  # ptmx
    _allow("c", 10, 200),  # net/tun
)


class Policy(Record):
    """The kernel's form of a list of rules: access letters excepted from the default."""

    allow: bool
    exceptions: dict[Device, str]


def numbers(rule: Any) -> Device:
    """A rule's type and numbers; what is absent stands for all."""
    major, minor = rule.get("major"), rule.get("minor")
    return rule.get("type") or "a", -1 if major is None else major, -1 if minor is None else minor


def policy(rules: Iterable[Any]) -> Policy:
    """The rules applied in order to a cgroup that denies everything."""
    allow = False
    exceptions: dict[Device, str] = {}
    for rule in rules:
        device, access = numbers(rule), rule.get("access") or ""
        if device[0] == "a":
            allow = rule["allow"]
            exceptions = {}
        elif rule["allow"] != allow:
            exceptions[device] = _letters(exceptions.get(device, "") + access)
        else:
            _except_no_more(exceptions, device, access)
    return Policy(allow, exceptions)


def _except_no_more(exceptions: dict[Device, str], device: Device, access: str) -> None:
    """Take ``access`` back from the exception for exactly this device."""
    kind, major, minor = device
    for wider in ((kind, -1, minor), (kind, major, -1), (kind, -1, -1)):
        if wider != device and set(exceptions.get(wider, "")) & set(access):
            raise CgroupError(
                f"set {_FIELD}",
                f"for {_text(device, access)}",
                f"cgroup v1 cannot take it out of the earlier rule for {_text(wider, exceptions[wider])}",
                "name the devices of the earlier rule one by one",
            )
    left = _letters("".join(set(exceptions.get(device, "")) - set(access)))
    if left:
        exceptions[device] = left
    else:
        exceptions.pop(device, None)


def _letters(access: str) -> str:
    return "".join([letter for letter in "rwm" if letter in access])


def _text(device: Device, access: str) -> str:
    kind, major, minor = device
    return f"{kind} {'*' if major < 0 else major}:{'*' if minor < 0 else minor} {access}"


def current(listing: str) -> Policy:
    """What devices.list says. A cgroup that allows by default does not list its exceptions."""
    exceptions = {}
    for line in listing.splitlines():
        kind, major, minor, access = line.replace(":", " ").split()
        if kind == "a":
            return Policy(True, {})
        exceptions[(kind, _listed(major), _listed(minor))] = access
    return Policy(False, exceptions)


def _listed(number: str) -> int:
    return -1 if number == "*" else int(number)


def transition(old: Policy, new: Policy) -> list[Write]:
    """The fewest writes from one policy to another.

    From allow-by-default the exceptions are unknown, so it begins anew; between two
    deny-by-default policies no device that both allow is denied even for a moment."""
    writes = []
    before = old.exceptions
    if old.allow or new.allow:
        writes.append(_write(new.allow, _ALL))
        before = {}
    for device, access in before.items():
        if gone := set(access) - set(new.exceptions.get(device, "")):
            writes.append(_write(new.allow, _text(device, _letters("".join(gone)))))
    for device, access in new.exceptions.items():
        if more := set(access) - set(before.get(device, "")):
            writes.append(_write(not new.allow, _text(device, _letters("".join(more)))))
    return writes


def _write(allow: bool, rule: str) -> Write:
    return Write("devices", "devices.allow" if allow else "devices.deny", rule, _FIELD)


#: What a cgroup is before anybody wrote to it, below a top that allows everything.
UNTOUCHED = Policy(True, {})
