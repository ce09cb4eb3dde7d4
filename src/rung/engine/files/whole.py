"""A container's files as they are now: mounted for as long as it takes, where it does not run."""

from __future__ import annotations

import os
from contextlib import contextmanager

from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.engine.container import Container
    from rung.engine.engine import Engine


@contextmanager
def root_of(engine: Engine, container: Container) -> Iterator[str]:
    """A path below which its files are. Of one that runs it is its own view, volumes and all."""
    if container.state.pid:
        yield f"/proc/{container.state.pid}/root"
        return
    rootfs, target = engine.store.rootfs(container.id), f"{engine.places.bundle(container.id)}/rootfs"
    if rootfs is None:
        raise EngineError(f"container {container.short_id} has lost its root file system")
    rootfs.mount(target, engine.owners(container))
    try:
        yield target
    finally:
        rootfs.unmount()


def resolve(container: Container, root: str, path: str) -> tuple[str, str]:
    """``(root, path)`` of a place: in one that does not run a volume's files are where the volume is."""
    clean = os.path.normpath("/" + path.lstrip("/"))
    if container.state.pid:
        return root, clean
    best: tuple[str, str] | None = None
    for one in container.mounts:
        place = one["destination"]
        inside = clean == place or clean.startswith(f"{place}/")
        if one["source"] and inside and (best is None or len(place) > len(best[0])):
            best = place, one["source"]
    return (best[1], clean[len(best[0]) :] or "/") if best is not None else (root, clean)
