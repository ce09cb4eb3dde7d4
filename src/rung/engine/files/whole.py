"""A container's files as they are now: mounted for as long as it takes, where it does not run."""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.engine.container import Container
    from rung.engine.engine import Engine

_VIEW = "/proc/self/fd/"


@contextmanager
def root_of(engine: Engine, container: Container) -> Iterator[str]:
    """A path below which its files are. Of one that runs it is its own view, volumes and all."""
    with rootfs_of(engine, container) as target:
        fd = _own_view(container, target)
        try:
            yield target if fd is None else f"{_VIEW}{fd}"
        finally:
            if fd is not None:
                os.close(fd)


@contextmanager
def rootfs_of(engine: Engine, container: Container) -> Iterator[str]:
    """The path of its root file system alone, without what is mounted in it."""
    target = engine.shown.take(container)
    try:
        yield target
    finally:
        engine.shown.give_back(container.id)


def _own_view(container: Container, target: str) -> int | None:
    """The root of its process, and of no other: a pid that has ended may be somebody else's by now, with the host's
    files as its root. It is on the file system that is mounted for this container. None where it does not run, or has
    ended a moment ago."""
    if not container.state.pid:
        return None
    try:
        fd = os.open(f"/proc/{container.state.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(fd).st_dev != os.stat(target).st_dev:
        os.close(fd)
        return None
    return fd


def is_own_view(root: str) -> bool:
    """Whether a path that ``root_of`` has given is a running container's own view."""
    return root.startswith(_VIEW)


def resolve(container: Container, root: str, path: str) -> tuple[str, str]:
    """``(root, path)`` of a place: in one that does not run a volume's files are where the volume is."""
    clean = os.path.normpath("/" + path.lstrip("/"))
    if is_own_view(root):
        return root, clean
    best: tuple[str, str] | None = None
    for one in container.mounts:
        place = one["destination"]
        inside = clean == place or clean.startswith(f"{place}/")
        if one["source"] and inside and (best is None or len(place) > len(best[0])):
            best = place, one["source"]
    return (best[1], clean[len(best[0]) :] or "/") if best is not None else (root, clean)
