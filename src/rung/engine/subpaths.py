"""Part of a volume in a container (``VolumeOptions.Subpath``).

The path is the volume's own files', which other containers write to at this moment: it is opened below the volume
(``RESOLVE_IN_ROOT``), and what was opened is what is mounted, at a place of the engine's. Rule: what is mounted is
never removed with a tree, only unmounted.
"""

from __future__ import annotations

import os
import stat

from rung.engine.document.mounts import Mounted
from rung.engine.errors import NotFound
from rung.kernel import mount as kernel
from rung.kernel.errors import KernelError
from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.places import Places
    from rung.undo import Undo

_MS_BIND, _MS_REC = 4096, 16384


def mounted(places: Places, container: Container, undo: Undo) -> tuple[Mounted, ...]:
    """A container's mounts; of those of a part of a volume the source is that part. Raises ``NotFound``."""
    found = [Mounted(**one) for one in container.mounts]
    if any(one.subpath for one in found):
        undo.push(unmount, places, container.id)
    return tuple(
        one.replace(source=_part(f"{places.run}/subpaths/{container.id}", at, one)) if one.subpath else one
        for at, one in enumerate(found)
    )


def _part(folder: str, at: int, one: Mounted) -> str:
    root = os.open(one.source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = openat2(root, one.subpath, os.O_PATH, resolve=RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    except KernelError:
        raise NotFound(f"cannot access path {one.source}/{one.subpath}: no such file or directory") from None
    finally:
        os.close(root)
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        target = f"{folder}/{at}"
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.makedirs(target, exist_ok=True)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC, 0o600))
        kernel.mount(f"/proc/self/fd/{fd}", target, "", _MS_BIND | _MS_REC)
    finally:
        os.close(fd)
    return target


def unmount(places: Places, container_id: str) -> None:
    """The run is over."""
    folder = f"{places.run}/subpaths/{container_id}"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        path = f"{folder}/{name}"
        if kernel.is_mountpoint(path):
            kernel.umount(path, kernel.MNT_DETACH)
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)
    os.rmdir(folder)
