"""Which root file systems are mounted, and how many need them so: a run, and each copy from or into a container.

Rule: the first mounts, the last unmounts; a start that comes during a copy takes over what the copy has mounted, and
the copy's end leaves it. Called from the engine's threads.
"""

from __future__ import annotations

from threading import Lock

from rung.engine.errors import EngineError
from rung.kernel.mount import MNT_DETACH, is_mountpoint, umount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine
    from rung.image import Rootfs


class Shown:
    """One engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locks: dict[str, Lock] = {}
        self._needed: dict[str, int] = {}
        #: Of those that are mounted.
        self._rootfs: dict[str, Rootfs] = {}

    def _lock(self, container_id: str) -> Lock:
        return self._locks.setdefault(container_id, Lock())

    def take(self, container: Container) -> str:
        """Where it is mounted, until ``give_back``. Raises ``EngineError``."""
        container_id = container.id
        target = f"{self._engine.places.bundle(container_id)}/rootfs"
        with self._lock(container_id):
            needed = self._needed.get(container_id, 0)
            if not needed:
                found = self._engine.store.rootfs(container_id)
                if found is None:
                    raise EngineError(f"container {container_id[:12]} has lost its root file system: remove it")
                found.mount(target, self._engine.owners(container))
                self._rootfs[container_id] = found
            self._needed[container_id] = needed + 1
        return target

    def take_again(self, container_id: str) -> None:
        """It was mounted by the engine before this one, for a run that goes on."""
        with self._lock(container_id):
            self._needed[container_id] = self._needed.get(container_id, 0) + 1

    def give_back(self, container_id: str) -> None:
        """It is needed by one less."""
        with self._lock(container_id):
            needed = self._needed.get(container_id, 0) - 1
            if needed > 0:
                self._needed[container_id] = needed
                return
            self._needed.pop(container_id, None)
            found = self._rootfs.pop(container_id, None) or self._engine.store.rootfs(container_id)
            if found is not None:
                found.unmount()

    def remove(self, container_id: str) -> None:
        """Remove the container's root file system, mounts and all. A copy that comes at the same time is before this,
        and loses its mount, or after it, and finds no root file system."""
        target = f"{self._engine.places.bundle(container_id)}/rootfs"
        with self._lock(container_id):
            self._engine.store.remove_rootfs(container_id)
            while is_mountpoint(target):  # by an engine that was killed, and of which the store knows nothing
                umount(target, MNT_DETACH)
            self._locks.pop(container_id, None)
            self._rootfs.pop(container_id, None)
            self._needed.pop(container_id, None)
