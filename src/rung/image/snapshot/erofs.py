"""Layers that are mounted from the archive they came in: an EROFS index beside the uncompressed tar.

A layer's directory holds ``layer.tar``, ``layer.erofs`` (the index, written by ``rung-untar``) and
``files``, where both are shown as long as somebody needs to see them. No file of the layer is made, so that a layer of
a hundred thousand files costs little more than its bytes.

A layer that came as an EROFS image (``erofs_image.py``) has no archive: its index is all of it.

Rule: a mount here is a view that can be taken away at any time: an overlay has its own copy
of it. Linux 6.12 and later, on a file system whose files can be read by page (ext4, XFS, btrfs; not tmpfs).
Linux, Documentation/filesystems/erofs.rst.
"""

from __future__ import annotations

import fcntl
import io
import os
import struct

from rung.image.errors import LayerError
from rung.image.layer.extract import Extracted, Unfit, Untar
from rung.image.snapshot.tree import remove_tree
from rung.image.store import owner
from rung.image.store.stream import Stream
from rung.kernel.errors import KernelError
from rung.kernel.mount import MNT_DETACH, create_erofs, is_mountpoint, move_mount, umount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TAR, INDEX, FILES = "layer.tar", "layer.erofs", "files"
_CHUNK = 1 << 19
#: Of the long form of an inode (fs/erofs/erofs_fs.h): i_mode; i_uid and what follows it up to i_mtime_nsec.
_MODE_AT, _OWNER_AT, _OWNER = 4, 24, struct.Struct("<IIqI")
_IDENTITY_AT = 1024 + 48  # the super block's uuid


def unpack(read: Callable[[int], bytes], directory: str) -> Extracted:
    """Write an uncompressed archive and its index into an empty directory. Raises ``Unfit`` where
    an index cannot hold the layer; the archive is there then all the same."""
    os.mkdir(os.path.join(directory, FILES), 0o755)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    tar_fd = os.open(os.path.join(directory, TAR), flags, 0o600)
    try:
        stream = Stream(tar_fd)
        while chunk := read(_CHUNK):
            stream.write(chunk)
        stream.finish()
        return _index(tar_fd, os.path.join(directory, INDEX))
    finally:
        os.close(tar_fd)


def _index(tar_fd: int, path: str) -> Extracted:
    index_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with Untar("erofs", index_fd, tar_fd) as untar:
            return untar.finish()
    except Unfit:
        os.unlink(path)
        raise
    finally:
        os.close(index_fd)


def identify(directory: str, identity: bytes) -> None:
    """Give the index the identity (16 bytes) by which overlayfs tells its layers apart. One that came as it is has
    its own, and a digest."""
    if not os.path.exists(os.path.join(directory, TAR)):
        return
    with open(os.path.join(directory, INDEX), "r+b") as file:
        file.seek(_IDENTITY_AT)
        file.write(identity)


def describe(directory: str, place: int, like_fd: int) -> None:
    """Give a directory of the index the owner, mode and times of an open one."""
    found = os.fstat(like_fd)
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    with open(os.path.join(directory, INDEX), "r+b") as file:
        file.seek(place + _MODE_AT)
        file.write(struct.pack("<H", found.st_mode))
        file.seek(place + _OWNER_AT)
        file.write(_OWNER.pack(found.st_uid, found.st_gid, seconds, nanoseconds))


def open_root(directory: str) -> int:
    """The layer's root directory, without showing it anywhere."""
    archive = os.path.join(directory, TAR)
    return create_erofs(os.path.join(directory, INDEX), archive if os.path.exists(archive) else "")


def show(directory: str) -> str:
    """Where the layer's files are, mounted there if they are not yet."""
    target = os.path.join(directory, FILES)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if not is_mountpoint(target):
            mount_fd = open_root(directory)
            try:
                move_mount(mount_fd, target)
            finally:
                os.close(mount_fd)
    finally:
        os.close(fd)
    return target


def hide(directory: str) -> None:
    """Take the view away, if there is one."""
    target = os.path.join(directory, FILES)
    while is_mountpoint(target):
        umount(target, MNT_DETACH)


def why_not(directory: str) -> str:
    """Why layers below a directory cannot be mounted from files; empty where they can: it is tried."""
    trial = os.path.join(directory, "new", f"{owner.me()}-{os.urandom(4).hex()}")  # collected if we are killed
    os.makedirs(trial)
    try:
        unpack(io.BytesIO(bytes(1024)).read, trial)
        os.close(open_root(trial))
    except KernelError as error:
        return str(error)
    except LayerError as error:
        return str(error)
    finally:
        remove_tree(trial)
    return ""
