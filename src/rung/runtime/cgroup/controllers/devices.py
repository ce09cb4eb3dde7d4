"""``linux.resources.devices`` on v1: which devices a container may open or make.

The kernel keeps a default (allow or deny) and exceptions from it (kernel
Documentation/admin-guide/cgroup-v1/devices.rst). The rules are applied to a model of
that first: a rule for everything sets the default and forgets the exceptions, one
against the default adds an exception, one along with it takes out the exceptions that it
covers. What the kernel would silently ignore, a device taken out of a wider exception,
is an error here, since who wrote it believes the device denied. ``device_program`` (v2)
can express that too.
"""

from __future__ import annotations

from rung.record import Record
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import Write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.spec.runtime.config import DeviceCgroup

    Device = tuple[str, int, int]  # "b" or "c", major, minor; -1 is every number

_FIELD = "linux.resources.devices"
_ALL = "a *:* rwm"


def _allow(kind: str, major: int, minor: int, access: str = "rwm") -> DeviceCgroup:
    return {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}


#: What every container may do whatever its configuration says, as with runc: make any
#: node, and use the default devices, its pseudo-terminals and tun. ``Cgroup.apply``
#: appends them. (The host's console, 5:1, is not among them: a container's /dev/console
#: is one of its own pseudo-terminals.)
DEFAULT_DEVICE_RULES: tuple[DeviceCgroup, ...] = (
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


def parts(rule: DeviceCgroup) -> tuple[Device, str]:
    """A rule's type and numbers, "a" and -1 standing for all (Go's empty type, too), and its access letters."""
    kind, access = rule.get("type") or "a", rule.get("access", "")
    device = (kind, rule.get("major", -1), rule.get("minor", -1))
    if kind not in ("a", "b", "c") or not _letters(access):
        reason = "type must be a, b or c and access some of r, w and m"
        raise CgroupError(f"set {_FIELD}", f"for {_text(device, access)}", reason)
    return device, _letters(access)


def policy(rules: Iterable[DeviceCgroup]) -> Policy:
    """The rules applied in order to a cgroup that denies everything."""
    allow = False
    exceptions: dict[Device, str] = {}
    for rule in rules:
        device, access = parts(rule)
        if device == ("a", -1, -1) and access == "rwm":
            allow = rule["allow"]
            exceptions = {}
            continue
        for kind in "bc" if device[0] == "a" else device[0]:
            single = (kind, device[1], device[2])
            if rule["allow"] != allow:
                exceptions[single] = _letters(exceptions.get(single, "") + access)
            else:
                _take_out(exceptions, single, access)
    return Policy(allow, exceptions)


def _take_out(exceptions: dict[Device, str], device: Device, access: str) -> None:
    """Take ``access`` out of every exception that ``device`` covers."""
    for old, letters in list(exceptions.items()):
        if not _overlap(old, device) or not set(letters) & set(access):
            continue
        if not _covers(device, old):
            raise CgroupError(
                f"set {_FIELD}",
                f"for {_text(device, access)}",
                f"cgroup v1 cannot take it out of the earlier rule for {_text(old, letters)}",
                "name the devices of the earlier rule one by one",
            )
        left = _letters("".join(set(letters) - set(access)))
        if left:
            exceptions[old] = left
        else:
            del exceptions[old]


def _overlap(one: Device, other: Device) -> bool:
    return one[0] == other[0] and all(a in (b, -1) or b == -1 for a, b in zip(one[1:], other[1:]))


def _covers(wide: Device, narrow: Device) -> bool:
    return all(a in (b, -1) for a, b in zip(wide[1:], narrow[1:]))


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
