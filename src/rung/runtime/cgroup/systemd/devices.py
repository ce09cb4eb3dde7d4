"""``linux.resources.devices`` as properties of a unit. Pure.

systemd has a list of what is allowed and no list of exceptions. It must never be narrower than the container's own
rules, as both count; so rules that such a list cannot express leave it to the program, or v1's list, of the container.
"""

from __future__ import annotations

from rung.runtime.cgroup.controllers.devices import policy
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd.marshal import Variant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.runtime.cgroup.systemd.values import Property
    from rung.spec.runtime.config import DeviceCgroup

_KINDS = {"b": "block", "c": "char"}
_SECTIONS = {"Character devices:": "c", "Block devices:": "b"}


def device_properties(rules: Iterable[DeviceCgroup], proc_devices: str) -> list[Property]:
    """``DevicePolicy`` and ``DeviceAllow``. ``proc_devices``: the text of /proc/devices, which names majors."""
    try:
        wanted = policy(rules)
    except CgroupError:  # only a program can take a device out of a wider rule
        return _all()
    if wanted.allow:
        return _all()
    names = majors(proc_devices)
    allowed = []
    for (kind, major, minor), access in wanted.exceptions.items():
        if major < 0 and minor >= 0:
            return _all()
        if major < 0:
            allowed.append((f"{_KINDS[kind]}-*", access))
        elif minor >= 0:
            allowed.append((f"/dev/{_KINDS[kind]}/{major}:{minor}", access))
        elif name := names.get((kind, major)):
            allowed.append((f"{_KINDS[kind]}-{name}", access))
        # a major that no driver has taken: there is no such device to be allowed
    return [
        ("DevicePolicy", Variant("s", "strict")),
        ("DeviceAllow", Variant("a(ss)", [])),  # empties the list: what is given is added to it
        ("DeviceAllow", Variant("a(ss)", allowed)),
    ]


def _all() -> list[Property]:
    return [("DevicePolicy", Variant("s", "auto")), ("DeviceAllow", Variant("a(ss)", []))]


def majors(proc_devices: str) -> dict[tuple[str, int], str]:
    """``(kind, major)`` -> the driver's name; the first where a major has several."""
    found: dict[tuple[str, int], str] = {}
    kind = ""
    for line in proc_devices.splitlines():
        if line in _SECTIONS:
            kind = _SECTIONS[line]
        elif kind and line.strip():
            major, _, name = line.strip().partition(" ")
            found.setdefault((kind, int(major)), name)
    return found
