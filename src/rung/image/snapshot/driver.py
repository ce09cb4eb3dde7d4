"""How layers become a root file system: stacked by overlayfs, or copied.

Rule: a driver knows directories and nothing of images; ``overlay`` is used where the
store's file system can carry one (it is asked, not guessed), else ``native`` copies. What the
directories are is not theirs to know: ``erofs`` is an overlay whose layers are mounts.
"""

from __future__ import annotations

import os

from rung.image.snapshot.tree import copy_attributes, copy_layer, remove_tree
from rung.image.store import owner
from rung.kernel.errors import KernelError
from rung.kernel.mount import (
    MNT_DETACH,
    create_overlay,
    is_mountpoint,
    mount_overlay,
    mount_overlay_classic,
    move_mount,
    open_tree_clone,
    umount,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Driver(Protocol):
        """Makes one writable root file system in ``directory`` out of layers, topmost first."""

        name: str

        def prepare(self, directory: str, layers: Sequence[str]) -> None:
            """Make what the mount needs; may take long."""
            ...

        def mount(self, directory: str, layers: Sequence[str], target: str) -> None:
            """Show it at ``target``."""
            ...

        def changes(self, directory: str) -> str:
            """The directory that holds what was written."""
            ...


class Overlay:
    """overlayfs.rst: the layers are lowers, the container writes into ``upper``."""

    name = "overlay"

    def prepare(self, directory: str, layers: Sequence[str]) -> None:
        upper = os.path.join(directory, "upper")
        os.mkdir(upper, 0o755)
        os.mkdir(os.path.join(directory, "work"), 0o700)
        if layers:  # the root directory's own owner, mode and times are the upper's
            _like(layers[0], upper)
        else:
            os.chmod(upper, 0o755)
            os.mkdir(os.path.join(directory, "empty"), 0o755)

    def mount(self, directory: str, layers: Sequence[str], target: str) -> None:
        upper, work = os.path.join(directory, "upper"), os.path.join(directory, "work")
        mount_overlay(layers or [os.path.join(directory, "empty")], upper, work, target)

    def changes(self, directory: str) -> str:
        return os.path.join(directory, "upper")


class Erofs(Overlay):
    """The same upon layers that ``erofs.py`` mounts from their archives."""

    name = "erofs"


class Native:
    """A copy of all layers for each container: slow, big, and possible everywhere."""

    name = "native"

    def prepare(self, directory: str, layers: Sequence[str]) -> None:
        root = os.path.join(directory, "root")
        os.mkdir(root, 0o755)
        os.chmod(root, 0o755)
        for layer in reversed(layers):
            copy_layer(layer, root)

    def mount(self, directory: str, layers: Sequence[str], target: str) -> None:
        fd = open_tree_clone(os.path.join(directory, "root"))
        try:
            move_mount(fd, target)
        finally:
            os.close(fd)

    def changes(self, directory: str) -> str:
        return os.path.join(directory, "root")


DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (Overlay(), Erofs(), Native())}


def choose(directory: str) -> Driver:
    """The best driver for a store in ``directory``: an overlay is made on trial, attached nowhere."""
    trial = os.path.join(directory, f".new-{owner.me()}-{os.urandom(4).hex()}")  # collected if we are killed
    lower, upper, work = (os.path.join(trial, name) for name in ("lower", "upper", "work"))
    os.makedirs(trial)
    for path in (lower, upper, work):
        os.mkdir(path)
    try:
        os.mknod(os.path.join(upper, "whiteout"), 0o20000, 0)
        os.setxattr(upper, "trusted.overlay.opaque", b"n")
        try:
            os.close(create_overlay([lower], upper, work))
        except KernelError as error:
            if "lowerdir+" not in str(error):
                raise
            mount_overlay_classic([lower], upper, work, lower)  # before 6.7
            umount(lower, MNT_DETACH)
    except (KernelError, OSError):
        return DRIVERS["native"]
    finally:
        remove_tree(trial)
    return DRIVERS["overlay"]


def unmount(target: str) -> None:
    """Take away what is mounted at ``target``, even if somebody is still in it."""
    if is_mountpoint(target):
        umount(target, MNT_DETACH)


def _like(source: str, target: str) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    source_fd, target_fd = os.open(source, flags), os.open(target, flags)
    try:
        copy_attributes(source_fd, target_fd)
    finally:
        os.close(source_fd)
        os.close(target_fd)
