"""What is mounted in a container: the specification's own file systems, the engine's files, volumes and binds.

A mount at a place takes the place of the default one there, as with Docker.
"""

from __future__ import annotations

from rung.engine import defaults
from rung.engine.document.process import INIT
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_SHM = "/dev/shm"


class Mounted(Record):
    """One mount that was asked for, looked up: what Docker shows as a mount point, and the runtime's options."""

    kind: str  # bind, volume, tmpfs
    source: str
    destination: str
    options: tuple[str, ...] = ()
    name: str = ""  # of a volume
    driver: str = ""
    mode: str = ""
    writable: bool = True
    propagation: str = ""
    subpath: str = ""  # of a volume: what of it is mounted

    def point(self) -> dict[str, Any]:
        """Docker's MountPoint."""
        found: dict[str, Any] = {"Type": self.kind}
        if self.name:
            found["Name"] = self.name
        found["Source"] = self.source
        found["Destination"] = self.destination
        if self.driver:
            found["Driver"] = self.driver
        return {**found, "Mode": self.mode, "RW": self.writable, "Propagation": self.propagation}

    def entry(self) -> dict[str, Any]:
        """config.md#mounts."""
        kind = "tmpfs" if self.kind == "tmpfs" else "bind"
        source = "tmpfs" if kind == "tmpfs" else self.source
        return {"destination": self.destination, "type": kind, "source": source, "options": list(self.options)}


def mounts(
    host: Mapping[str, Any], asked: Sequence[Mounted], files: Mapping[str, str], init: str, shm: str = ""
) -> list[dict[str, Any]]:
    """All of them, parents before what lies below them. ``shm``: what is bound to /dev/shm."""
    privileged = bool(host.get("Privileged"))
    found = {one["destination"]: one for one in _defaults(host, shm, writable_system=privileged)}
    readonly = bool(host.get("ReadonlyRootfs"))
    for destination, source in files.items():
        options = ["rbind", "rprivate", *(["ro"] if readonly else [])]
        found[destination] = {"destination": destination, "type": "bind", "source": source, "options": options}
    for destination, words in (host.get("Tmpfs") or {}).items():
        found[destination] = {
            "destination": destination,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "noexec", *(word for word in words.split(",") if word)],
        }
    for one in asked:
        found[one.destination] = one.entry()
    if init:
        options = ["bind", "ro"]
        found[INIT] = {"destination": INIT, "type": "bind", "source": init, "options": options}
    return sorted(found.values(), key=lambda one: one["destination"].count("/") if one["destination"] != "/" else 0)


def _defaults(host: Mapping[str, Any], shared: str, *, writable_system: bool) -> list[dict[str, Any]]:
    found = defaults.mounts(writable_system=writable_system)
    ipc = str(host.get("IpcMode") or "private")
    kept = []
    for one in found:
        if one["destination"] == _SHM:
            if ipc == "none":
                continue
            if shared:
                one = {"destination": _SHM, "type": "bind", "source": shared, "options": ["rbind"]}
            elif host.get("ShmSize"):
                options = [word for word in one["options"] if not word.startswith("size=")]
                one = {**one, "options": [*options, f"size={int(host['ShmSize'])}"]}
        if one["destination"] == "/dev/mqueue" and ipc == "host":
            one = {"destination": "/dev/mqueue", "type": "bind", "source": "/dev/mqueue", "options": ["rbind"]}
        kept.append(one)
    return kept
