"""Volumes: directories that outlive containers. The driver is ``local``; its options are mount(8)'s.

    docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=100m v
"""

from __future__ import annotations

import os
import re
import shutil
from time import time_ns

from rung.engine.errors import BadParameter, Conflict, NotFound
from rung.kernel import mount as kernel
from rung.shim import mount_options
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine

#: It is a directory's (NAME_MAX).
_LONGEST = 255
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
#: What says that a volume was made for one container alone.
ANONYMOUS = "com.docker.volume.anonymous"


class Volume:
    """One of them."""

    def __init__(
        self,
        name: str,
        directory: str,
        *,
        labels: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        created_ns: int = 0,
        lease: str = "",
    ) -> None:
        self.name, self.directory = name, directory
        #: The lease that owns it.
        self.lease = lease
        self.labels, self.options = labels or {}, options or {}
        self.created_ns = created_ns or time_ns()

    @property
    def mountpoint(self) -> str:
        """Where its files are."""
        return f"{self.directory}/_data"

    def document(self) -> dict[str, Any]:
        """What the database keeps."""
        return dict(self.__dict__)

    def view(self) -> dict[str, Any]:
        """Docker's Volume."""
        return {
            "CreatedAt": timestamp(self.created_ns)[:19] + "Z",
            "Driver": "local",
            "Labels": self.labels or None,
            "Mountpoint": self.mountpoint,
            "Name": self.name,
            "Options": self.options or None,
            "Scope": "local",
        }

    def mount(self) -> None:
        """What its options say lies there; nothing to do where they say nothing, or it is there."""
        if not self.options.get("type") and not self.options.get("device") and not self.options.get("o"):
            return
        if kernel.is_mountpoint(self.mountpoint):
            return
        flags, data = mount_options([word for word in self.options.get("o", "").split(",") if word])
        kernel.mount(
            self.options.get("device", ""), self.mountpoint, self.options.get("type", ""), flags, ",".join(data)
        )

    def unmount(self) -> None:
        """Nobody uses it any more."""
        if self.options and kernel.is_mountpoint(self.mountpoint):
            kernel.umount(self.mountpoint, kernel.MNT_DETACH)


def _check_options(name: str, options: Mapping[str, str]) -> None:
    """What mount(8) must be told, and nothing else. Raises ``BadParameter``."""
    for given in options:
        if given not in ("type", "device", "o", "size"):
            raise BadParameter(f'create {name}: invalid option: "{given}"')
    for needed in ("type", "device") if options.keys() & {"type", "device", "o"} else ():
        if not options.get(needed):
            raise BadParameter(f'create {name}: missing required option: "{needed}"')


def _remove_files(volume: Volume) -> None:
    volume.unmount()
    shutil.rmtree(volume.directory)


class Volumes:
    """All of one engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._volumes = {one["name"]: Volume(**one) for one in engine.database.all("volume")}

    def __iter__(self) -> Iterator[Volume]:
        return iter(sorted(self._volumes.values(), key=lambda one: one.name))

    def get(self, name: str) -> Volume:
        """Raises ``NotFound``."""
        found = self._volumes.get(name)
        if found is None:
            raise NotFound(f"get {name}: no such volume")
        return found

    def create(
        self,
        name: str = "",
        driver: str = "",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        lease: str = "",
    ) -> Volume:
        """A new one, or the one of that name, which then is nobody else's. Raises ``BadParameter``."""
        if driver not in ("", "local"):
            raise NotFound(f'error looking up volume plugin {driver}: plugin "{driver}" not found')
        labels = dict(labels or {})
        if not name:
            name = os.urandom(32).hex()
            labels[ANONYMOUS] = ""
        if len(name) < 2:
            said = "volume name is too short, names should be at least two alphanumeric characters"
            raise BadParameter(f"create {name}: {said}")
        if not _NAME.fullmatch(name):
            said = "If you intended to pass a host directory, use absolute path"
            raise BadParameter(
                f'create {name}: "{name}" includes invalid characters for a local volume name, only '
                f'"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. {said}'
            )
        if len(name) > _LONGEST:
            raise BadParameter(f"create {name}: volume name is too long, names should be at most {_LONGEST} bytes")
        if name in self._volumes:
            return self._volumes[name]
        _check_options(name, options or {})
        volume = Volume(name, f"{self._engine.places.volumes}/{name}", labels=labels, options=dict(options or {}))
        volume.lease = lease
        os.makedirs(volume.mountpoint, 0o755, exist_ok=True)
        if self._engine.remap is not None:
            os.chown(volume.mountpoint, *self._engine.remap.root)
        os.chmod(volume.directory, 0o701)
        self._volumes[name] = volume
        self._engine.database.save("volume", name, volume.document())
        self._engine.events.tell("volume", "create", name, {"driver": "local"})
        return volume

    async def mount(self, name: str, *, deadline_s: float) -> None:
        """Mount what its options say, where they say something. Raises ``NotFound`` and ``StalledError``."""
        volume = self.get(name)
        if volume.options:
            await self._engine.threads.apart(f"the files of volume {name}", volume.mount, deadline_s=deadline_s)

    def users(self, volume: Volume) -> list[Container]:
        """Containers that have it, running or not."""
        return [one for one in self._engine.containers if any(m["name"] == volume.name for m in one.mounts)]

    async def remove(self, volume: Volume) -> None:
        """With all that is in it. Raises ``Conflict`` where a container has it."""
        users = self.users(volume)
        if users:
            shown = ", ".join(one.id for one in users)
            raise Conflict(f"remove {volume.name}: volume is in use - [{shown}]")
        await self._engine.threads.apart("removals of volumes", _remove_files, volume)
        del self._volumes[volume.name]
        self._engine.database.remove("volume", volume.name)
        self._engine.events.tell("volume", "destroy", volume.name, {"driver": "local"})
