"""Device nodes and who may use them: none by default beyond the specification's, all where privileged."""

from __future__ import annotations

import os
import stat

from rung.engine.errors import BadParameter
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Device(Record):
    """A node of the host's as the container shall see it."""

    path: str
    kind: str  # "c" or "b"
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    access: str = "rwm"

    def node(self) -> dict[str, Any]:
        """config-linux.md#devices."""
        return {
            "path": self.path,
            "type": self.kind,
            "major": self.major,
            "minor": self.minor,
            "fileMode": self.mode,
            "uid": self.uid,
            "gid": self.gid,
        }

    def rule(self) -> dict[str, Any]:
        """config-linux.md#allowed-device-list."""
        return {"allow": True, "type": self.kind, "major": self.major, "minor": self.minor, "access": self.access}


def rules(host: Mapping[str, Any], devices: tuple[Device, ...]) -> list[dict[str, Any]]:
    """The allowed devices; the specification's default ones are the runtime's to add."""
    if host.get("Privileged"):
        return [{"allow": True, "access": "rwm"}]
    found: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    found += [{"allow": True, "type": kind, "access": "m"} for kind in ("c", "b")]  # making nodes is no use of them
    found += [device.rule() for device in devices]
    return found + [_parsed(rule) for rule in host.get("DeviceCgroupRules") or ()]


def _parsed(text: str) -> dict[str, Any]:
    """``c 13:* rwm``."""
    kind, _, rest = text.partition(" ")
    numbers, _, access = rest.partition(" ")
    major, colon, minor = numbers.partition(":")
    known = kind in ("a", "b", "c") and colon and access and not set(access) - set("rwm")
    if not known or not all(part == "*" or part.isdecimal() for part in (major, minor)):
        raise BadParameter(f"invalid device cgroup rule format: '{text}'")
    found: dict[str, Any] = {"allow": True, "type": kind, "access": access}
    for name, part in (("major", major), ("minor", minor)):
        if part != "*":
            found[name] = int(part)
    return found


def of_host(source: str, target: str, access: str) -> list[Device]:
    """A node, or those of a directory of them. Raises ``BadParameter``."""
    try:
        found = os.stat(source)
    except OSError:
        raise _refused(source, "no such file or directory") from None
    if stat.S_ISDIR(found.st_mode):
        below = [os.path.join(source, name) for name in sorted(os.listdir(source))]
        nodes = [path for path in below if _kind(os.stat(path).st_mode)]
        return [one for path in nodes for one in of_host(path, target + path[len(source) :], access)]
    kind = _kind(found.st_mode)
    if not kind:
        raise _refused(source, "not a device node")
    return [
        Device(
            target,
            kind,
            os.major(found.st_rdev),
            os.minor(found.st_rdev),
            stat.S_IMODE(found.st_mode),
            found.st_uid,
            found.st_gid,
            access or "rwm",
        )
    ]


def _refused(source: str, why: str) -> BadParameter:
    return BadParameter(f'error gathering device information while adding custom device "{source}": {why}')


#: Places below /dev that a container has of its own.
_OWN = ("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev")


def _kind(mode: int) -> str:
    return "c" if stat.S_ISCHR(mode) else "b" if stat.S_ISBLK(mode) else ""


def all_of_host() -> list[Device]:
    """For a privileged container: every node below /dev but terminals and what is mounted there."""
    found: list[Device] = []
    for place, folders, names in os.walk("/dev"):
        folders[:] = [name for name in folders if name not in _OWN]
        for name in names:
            path = os.path.join(place, name)
            status = os.lstat(path)
            if name != "console" and _kind(status.st_mode):
                found += of_host(path, path, "rwm")
    return found
