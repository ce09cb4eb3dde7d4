"""Trees of files as deep as a stranger made them: removing and copying without recursion.

Rule: directories are held by descriptors, links never followed.
"""

from __future__ import annotations

import errno
import os
import stat

from rung.kernel.errors import KernelError
from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, openat2
from rung.kernel.userns import is_initial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: overlayfs.rst: nothing of the layers below is seen in this directory. The second where a user namespace's
#: root mounts, who may set no other ("userxattr").
_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")
_OVERLAY_XATTRS = ("trusted.overlay.", "user.overlay.")


def remove_tree(path: str) -> None:
    """Remove a directory with all below it; one that is not there is fine.

    Nested directories are moved up beside each other before they are emptied, so that neither
    the length of a path nor the depth of recursion bounds what can be removed."""
    try:
        top = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        moved = 0
        waiting = _empty(top)
        while waiting:
            name = waiting.pop()
            fd = os.open(name, _DIRECTORY, dir_fd=top)
            try:
                for below in _empty(fd):
                    while True:
                        moved += 1
                        place = f".removing-{moved}"
                        try:
                            os.stat(place, dir_fd=top, follow_symlinks=False)
                        except FileNotFoundError:
                            break
                    os.rename(below, place, src_dir_fd=fd, dst_dir_fd=top)
                    waiting.append(os.fsencode(place))
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _empty(fd: int) -> list[bytes]:
    """Remove what is no directory; the directories' names."""
    directories = []
    for name in os.listdir(fd):
        raw = os.fsencode(name)
        try:
            os.unlink(raw, dir_fd=fd)
        except IsADirectoryError:
            directories.append(raw)
    return directories


def own_xattrs(fd: int) -> list[str]:
    """The names of a file's extended attributes, without those that are overlayfs's."""
    return [key for key in os.listxattr(fd) if not key.startswith(_OVERLAY_XATTRS)]


def copy_attributes(source_fd: int, target_fd: int) -> None:
    """Owner, mode, extended attributes and times from one open file to another."""
    found = os.fstat(source_fd)
    os.fchown(target_fd, found.st_uid, found.st_gid)
    os.fchmod(target_fd, stat.S_IMODE(found.st_mode))
    kept = own_xattrs(source_fd)
    for key in os.listxattr(target_fd):
        if key not in kept and not key.startswith(_OVERLAY_XATTRS):
            os.removexattr(target_fd, key)
    for key in kept:
        os.setxattr(target_fd, key, os.getxattr(source_fd, key))
    os.utime(target_fd, ns=(found.st_atime_ns, found.st_mtime_ns))


def open_below(root_fd: int, path: bytes) -> int:
    """A directory below another one, on the way to which no link is followed."""
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS
    return openat2(root_fd, path or b".", os.O_RDONLY | os.O_DIRECTORY, resolve=resolve)


def find_below(roots: Iterable[int], path: bytes) -> int | None:
    """The first of the roots' directories of that path."""
    for root_fd in roots:
        try:
            return openat2(root_fd, path or b".", os.O_RDONLY | os.O_DIRECTORY, resolve=RESOLVE_IN_ROOT)
        except KernelError:  # not in that layer, or no directory there
            continue
    return None


def imply_attributes(layer: str, path: bytes, like_fd: int) -> None:
    """Give a directory of an unpacked layer the attributes of an open one."""
    top_fd = os.open(layer, _DIRECTORY)
    try:
        target = openat2(top_fd, path or b".", os.O_RDONLY | os.O_DIRECTORY, resolve=RESOLVE_IN_ROOT)
        try:
            copy_attributes(like_fd, target)
        finally:
            os.close(target)
    finally:
        os.close(top_fd)


def copy_layer(source: str, target: str) -> None:
    """Lay an unpacked layer over a tree: what overlayfs would show, as plain files.

    Whiteouts remove, opaque directories empty what is below first; hard links within the
    layer stay hard links."""
    source_fd = os.open(source, _DIRECTORY)
    target_fd = os.open(target, _DIRECTORY)
    links: dict[tuple[int, int], bytes] = {}
    order: list[bytes] = []
    waiting = [b""]
    try:
        while waiting:
            path = waiting.pop()
            order.append(path)
            waiting += _copy_directory(source_fd, target_fd, path, links)
        for path in reversed(order):  # times last, when nothing changes the directories any more
            _finish_directory(source_fd, target_fd, path)
    finally:
        os.close(source_fd)
        os.close(target_fd)


def _finish_directory(source_fd: int, target_fd: int, path: bytes) -> None:
    source, target = open_below(source_fd, path), open_below(target_fd, path)
    try:
        copy_attributes(source, target)
    finally:
        os.close(source)
        os.close(target)


def _copy_directory(
    source_fd: int, target_fd: int, path: bytes, links: dict[tuple[int, int], bytes]
) -> list[bytes]:
    """Copy one directory's entries; the directories among them are made and returned."""
    source_dir, target_dir = open_below(source_fd, path), open_below(target_fd, path)
    below = []
    try:
        for name in map(os.fsencode, os.listdir(source_dir)):
            found = os.stat(name, dir_fd=source_dir, follow_symlinks=False)
            inner = path + b"/" + name if path else name
            is_directory = stat.S_ISDIR(found.st_mode)
            opaque = is_directory and _is_opaque(source_dir, name)
            _clear(target_dir, name, keep=is_directory and not opaque)
            if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
                continue  # a whiteout: it has done its work
            if is_directory:
                try:
                    os.mkdir(name, 0o700, dir_fd=target_dir)
                except FileExistsError:
                    pass  # kept above
                below.append(inner)
                continue
            first = links.get((found.st_dev, found.st_ino))
            if first is not None:
                os.link(first, name, src_dir_fd=target_fd, dst_dir_fd=target_dir, follow_symlinks=False)
                continue
            _copy_entry(source_dir, target_dir, name, found)
            if found.st_nlink > 1:
                links[found.st_dev, found.st_ino] = inner
    finally:
        os.close(source_dir)
        os.close(target_dir)
    return below


def _is_opaque(parent_fd: int, name: bytes) -> bool:
    fd = os.open(name, _DIRECTORY, dir_fd=parent_fd)
    try:
        return is_opaque(fd)
    finally:
        os.close(fd)


def is_opaque(directory: int | str) -> bool:
    """Whether a layer's directory hides those of the layers below."""
    return any(name in _OPAQUE for name in os.listxattr(directory))


def make_opaque(directory: str) -> None:
    """Make a layer's directory hide those of the layers below."""
    os.setxattr(directory, _OPAQUE[not is_initial()], b"y")


def _clear(parent_fd: int, name: bytes, *, keep: bool) -> None:
    """Remove what a lower layer has there; with ``keep`` only what is no directory."""
    try:
        found = os.stat(name, dir_fd=parent_fd, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=parent_fd)
    elif not keep:
        remove_tree(os.fsdecode(b"/proc/self/fd/%d/%s" % (parent_fd, name)))


def _copy_data(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except OSError as error:
        if error.errno != errno.EXDEV:  # EROFS to another file system
            raise
        while os.sendfile(target, source, None, 1 << 30):
            pass


def _copy_entry(source_dir: int, target_dir: int, name: bytes, found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source_dir)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            target = os.open(name, flags, 0o600, dir_fd=target_dir)
            try:
                _copy_data(source, target)
                copy_attributes(source, target)
            finally:
                os.close(target)
        finally:
            os.close(source)
        return
    if kind == stat.S_IFLNK:
        os.symlink(os.readlink(name, dir_fd=source_dir), name, dir_fd=target_dir)
    else:
        os.mknod(name, kind | 0o600, found.st_rdev, dir_fd=target_dir)
    os.chown(name, found.st_uid, found.st_gid, dir_fd=target_dir, follow_symlinks=False)
    if kind != stat.S_IFLNK:
        os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=target_dir)
    from_path = b"/proc/self/fd/%d/%s" % (source_dir, name)
    to_path = b"/proc/self/fd/%d/%s" % (target_dir, name)
    for key in os.listxattr(from_path, follow_symlinks=False):
        os.setxattr(to_path, key, os.getxattr(from_path, key, follow_symlinks=False), follow_symlinks=False)
    times = (found.st_atime_ns, found.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=target_dir, follow_symlinks=False)
