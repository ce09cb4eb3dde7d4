"""How layers become a root file system: stacked by overlayfs, or copied.

Rule: a driver knows directories and nothing of images; ``overlay`` is used where the
store's file system can carry one (it is asked, not guessed), else ``native`` copies. What the
directories are is not theirs to know: ``erofs`` is an overlay whose layers are mounts.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from rung.image.snapshot.tree import copy_attributes, copy_layer, make_opaque, remove_tree
from rung.image.store import owner
from rung.kernel.errors import KernelError
from rung.kernel.idmap import as_owner, idmapped
from rung.kernel.mount import (
    MNT_DETACH,
    create_overlay,
    is_mountpoint,
    mount_overlay,
    mount_overlay_classic,
    move_mount,
    open_tree_clone,
    remount_read_only,
    umount,
)
from rung.kernel.userns import is_initial
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    class Driver(Protocol):
        """Makes one root file system in ``directory`` out of layers, topmost first."""

        name: str

        def prepare(self, directory: str, layers: Sequence[str]) -> None:
            """Make what the mount needs; may take long."""
            ...

        def mount(self, directory: str, layers: Sequence[str], target: str, owners: int = -1) -> None:
            """Show it at ``target``, as the user namespace ``owners`` (a descriptor) where that is given."""
            ...

        def mounts(self, directory: str, layers: Sequence[str]) -> tuple[Mount, ...]:
            """What ``mount`` does, in mount(8)'s words."""
            ...

        def changes(self, directory: str) -> str:
            """The directory that holds what was written."""
            ...

        def seal(self, directory: str) -> None:
            """Make what was written a layer as it lies there."""
            ...


class Mount(Record):
    """As containerd's API gives them."""

    type: str
    source: str
    options: tuple[str, ...]


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

    def mount(self, directory: str, layers: Sequence[str], target: str, owners: int = -1) -> None:
        lowers = layers or [os.path.join(directory, "empty")]
        if owners < 0:
            _overlay(lowers, directory, target)
            return
        # An overlay cannot be an idmapped mount itself: what it is made of is.
        with shown_as(owners, [directory, *lowers], os.path.join(directory, "shown")) as shown:
            root = os.stat(shown[0])
            as_owner(root.st_uid, root.st_gid, lambda: _overlay(shown[1:], shown[0], target))

    def mounts(self, directory: str, layers: Sequence[str]) -> tuple[Mount, ...]:
        lowers = ":".join(layers or [os.path.join(directory, "empty")])
        options = (f"lowerdir={lowers}", f"upperdir={directory}/upper", f"workdir={directory}/work")
        return (Mount("overlay", "overlay", (*options, *overlay_options())),)

    def changes(self, directory: str) -> str:
        return os.path.join(directory, "upper")

    def seal(self, directory: str) -> None:
        pass  # overlayfs wrote it as it reads it


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

    def mount(self, directory: str, layers: Sequence[str], target: str, owners: int = -1) -> None:
        root = os.path.join(directory, "root")
        fd = open_tree_clone(root) if owners < 0 else idmapped(root, owners)
        try:
            move_mount(fd, target)
        finally:
            os.close(fd)

    def mounts(self, directory: str, layers: Sequence[str]) -> tuple[Mount, ...]:
        return (Mount("bind", os.path.join(directory, "root"), ("rbind", "rw")),)

    def changes(self, directory: str) -> str:
        return os.path.join(directory, "root")

    def seal(self, directory: str) -> None:
        # It holds all that the layers below do, or did: nothing of theirs is to be seen beside it.
        make_opaque(os.path.join(directory, "root"))


class OverlayView:
    """The layers alone, read-only."""

    name = "overlay-view"

    def prepare(self, directory: str, layers: Sequence[str]) -> None:
        os.mkdir(os.path.join(directory, "empty"), 0o755)

    def mount(self, directory: str, layers: Sequence[str], target: str, owners: int = -1) -> None:
        # One lower is not enough for an overlay without an upper.
        mount_overlay([*layers, os.path.join(directory, "empty")], None, None, target, overlay_options())

    def mounts(self, directory: str, layers: Sequence[str]) -> tuple[Mount, ...]:
        lowers = ":".join([*layers, os.path.join(directory, "empty")])
        return (Mount("overlay", "overlay", ("ro", f"lowerdir={lowers}", *overlay_options())),)

    def changes(self, directory: str) -> str:
        return os.path.join(directory, "empty")

    def seal(self, directory: str) -> None:
        pass


class NativeView(Native):
    """The copy, read-only."""

    name = "native-view"

    def mount(self, directory: str, layers: Sequence[str], target: str, owners: int = -1) -> None:
        super().mount(directory, layers, target, owners)
        remount_read_only(target)

    def mounts(self, directory: str, layers: Sequence[str]) -> tuple[Mount, ...]:
        return (Mount("bind", os.path.join(directory, "root"), ("rbind", "ro")),)


_ALL: tuple[Driver, ...] = (Overlay(), Erofs(), Native(), OverlayView(), NativeView())
DRIVERS: dict[str, Driver] = {driver.name: driver for driver in _ALL}
#: The drivers of what is only looked at.
VIEWS = (OverlayView.name, NativeView.name)


def _overlay(lowers: Sequence[str], directory: str, target: str) -> None:
    upper, work = os.path.join(directory, "upper"), os.path.join(directory, "work")
    mount_overlay(lowers, upper, work, target, overlay_options())


@contextmanager
def shown_as(owners: int, paths: Sequence[str], place: str) -> Iterator[list[str]]:
    """The directories as a user namespace has them, mounted below ``place`` for as long as an overlay is made of them:
    it keeps what it needs itself."""
    found: list[str] = []
    try:
        for number, path in enumerate(paths):
            fd = idmapped(path, owners)
            try:
                at = os.path.join(place, str(number))
                os.makedirs(at, exist_ok=True)
                move_mount(fd, at)
                found.append(at)
            finally:
                os.close(fd)
        yield found
    finally:
        for at in found:
            umount(at, MNT_DETACH)
            os.rmdir(at)
        if os.path.isdir(place):
            os.rmdir(place)


def overlay_options() -> tuple[str, ...]:
    """What else an overlay must be told here."""
    return () if is_initial() else ("userxattr",)


def choose(directory: str) -> Driver:
    """The best driver for a store in ``directory``: an overlay is made on trial, attached nowhere."""
    trial = os.path.join(directory, f".new-{owner.me()}-{os.urandom(4).hex()}")  # collected if we are killed
    lower, upper, work = (os.path.join(trial, name) for name in ("lower", "upper", "work"))
    os.makedirs(trial)
    for path in (lower, upper, work):
        os.mkdir(path)
    try:
        os.mknod(os.path.join(upper, "whiteout"), 0o20000, 0)
        make_opaque(upper)
        try:
            os.close(create_overlay([lower], upper, work, overlay_options()))
        except KernelError as error:
            if "lowerdir+" not in str(error):
                raise
            mount_overlay_classic([lower], upper, work, lower, overlay_options())  # before 6.7
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
