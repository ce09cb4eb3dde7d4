"""What is known of the containers of one host: a directory each, found by id or name.

    <data>/containers/<id>/container.json   name, image, command, when, exit status
                           config.json      the bundle's configuration
                           rootfs/          where the root file system is mounted
                           plan, trace      how it was made, kept for explain

The last ``KEPT`` explanations of removed containers stay below ``<data>/explained/``.
"""

from __future__ import annotations

import os
import shutil

from rung import jsonc
from rung.errors import RungError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT = 50
_EXPLANATION = ("plan", "trace", "container.json")


class ContainerRecord(Record):
    """One container as the engine knows it. ``created_s``: seconds since the epoch."""

    id: str
    name: str
    image: str
    command: tuple[str, ...]
    created_s: float
    exit_code: int | None = None
    exited_s: float = 0.0


class Records:
    """The containers below one data directory."""

    def __init__(self, data: str) -> None:
        self.containers = os.path.join(data, "containers")
        self.explained = os.path.join(data, "explained")

    def directory(self, container_id: str) -> str:
        return os.path.join(self.containers, container_id)

    def add(self, record: ContainerRecord) -> str:
        """Make the container's directory; its name must be free."""
        if any(other.name == record.name for other in self.all()):
            raise RungError("container name", f'"{record.name}"', "is in use", "remove that one or choose another")
        path = self.directory(record.id)
        os.makedirs(os.path.join(path, "rootfs"), mode=0o755)
        os.chmod(path, 0o710)
        self.save(record)
        return path

    def save(self, record: ContainerRecord) -> None:
        """Write the record down anew, whole or not at all."""
        path = os.path.join(self.directory(record.id), "container.json")
        with open(f"{path}.new", "w") as file:
            file.write(jsonc.dumps(record.__dict__))
        os.rename(f"{path}.new", path)

    def all(self) -> list[ContainerRecord]:
        """Every container, the newest first."""
        found = [_load(os.path.join(self.containers, name)) for name in _names(self.containers)]
        return sorted((r for r in found if r), key=lambda r: -r.created_s)

    def find(self, wanted: str) -> ContainerRecord:
        """By name, id, or the beginning of one id only. Raises ``RungError``."""
        return _pick(wanted, self.all(), "No such container")

    def explanation(self, wanted: str) -> str:
        """The directory that holds a container's plan and trace, living or removed."""
        living = self.all()
        gone = [r for name in _names(self.explained) if (r := _load(os.path.join(self.explained, name)))]
        gone.sort(key=lambda r: -r.created_s)
        taken = {r.id for r in living}
        first_of_name: dict[str, ContainerRecord] = {}
        for record in [*living, *(r for r in gone if r.id not in taken)]:
            first_of_name.setdefault(record.name, record)
        record = _pick(wanted, list(first_of_name.values()), "nothing is recorded of container")
        return self.directory(record.id) if record.id in taken else os.path.join(self.explained, record.id)

    def remove(self, container_id: str) -> None:
        """Take the directory away; the explanation stays a while."""
        source = self.directory(container_id)
        target = os.path.join(self.explained, container_id)
        os.makedirs(target, exist_ok=True)
        for name in _EXPLANATION:
            if os.path.exists(os.path.join(source, name)):
                os.replace(os.path.join(source, name), os.path.join(target, name))
        shutil.rmtree(source)
        kept = sorted(_names(self.explained), key=lambda n: -os.stat(os.path.join(self.explained, n)).st_mtime_ns)
        for name in kept[KEPT:]:
            shutil.rmtree(os.path.join(self.explained, name))


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _load(path: str) -> ContainerRecord | None:
    """None for a directory whose container.json was not written yet, or not any more."""
    try:
        with open(os.path.join(path, "container.json")) as file:
            fields: dict[str, Any] = jsonc.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return ContainerRecord(**{**fields, "command": tuple(fields["command"])})


def _pick(wanted: str, records: list[ContainerRecord], missing: str) -> ContainerRecord:
    exact = [r for r in records if wanted in (r.name, r.id)]
    begun = exact or [r for r in records if wanted and r.id.startswith(wanted)]
    if not begun:
        raise RungError(missing, wanted)
    if len(begun) > 1:
        raise RungError("multiple containers found with prefix", wanted, "", "give more of the id")
    return begun[0]
