"""Unpacking a layer below one directory, whatever its archive says.

Rule: every path is resolved by the kernel below the layer's own directory
(``openat2`` with ``RESOLVE_IN_ROOT``: links and ``..`` end there as after ``chroot``),
the last part is only ever made new, never followed or replaced, and what is made is
given its owner, mode and attributes through its descriptor. A name that comes twice is
an error (as for docker and podman), except for directories. So nothing in an archive
reaches outside: CVE-2018-15664, CVE-2019-14271, CVE-2021-30465 and the tar-slip class.

Whiteouts become overlayfs's: a character device 0:0, and ``trusted.overlay.opaque``.
A layer is complete by itself; the directories that it only implies (it holds
``usr/bin/x`` but no entry for ``usr``; its root is ``b""``) are returned, so that whoever stacks it can give
them the attributes they have below: an overlay shows the topmost.
OCI image specification, layer.md.
"""

from __future__ import annotations

import errno
import os
import stat

from rung.image.errors import LayerError, StoreError
from rung.image.layer import tar
from rung.image.layer.names import IGNORED, OPAQUE, WHITEOUT, classify, clean, show, split
from rung.kernel.errors import KernelError
from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OPAQUE_XATTR = "trusted.overlay.opaque"
#: overlayfs's own attributes say what other layers' files are shown where: not for a layer to bring.
_OVERLAY_XATTRS = (b"trusted.overlay.", b"user.overlay.")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS


class Extracted(Record):
    """What was unpacked. ``implied`` directories are parents first; ``notes`` say what was left out."""

    entries: int
    size_bytes: int
    implied: tuple[bytes, ...]
    notes: tuple[str, ...]


def extract(read: Callable[[int], bytes], directory: str) -> Extracted:
    """Unpack the uncompressed archive that ``read`` gives into an existing, empty directory."""
    root_fd = os.open(directory, _DIRECTORY)
    extractor = Extractor(root_fd)
    try:
        reader = tar.TarReader(read)
        for entry in reader:
            extractor.add(entry, reader)
        return extractor.finish()
    finally:
        extractor.close()
        os.close(root_fd)


class Extractor:
    """One layer being unpacked below ``root_fd``."""

    def __init__(self, root_fd: int) -> None:
        self.root_fd = root_fd
        self.entries = 0
        self.size_bytes = 0
        self._implied: dict[bytes, None] = {b"": None}
        self._hidden: set[bytes] = set()  # whiteouts made
        self._times: list[tuple[bytes, int, int]] = []  # of directories: set last
        self._notes: dict[str, None] = {}
        self._parent: tuple[bytes, int] = (b"", -1)  # the last directory written to, held open

    def add(self, entry: tar.Entry, reader: tar.TarReader) -> None:
        """One entry of the archive."""
        path = clean(entry.name)
        kind, subject = classify(path)
        try:
            if kind == IGNORED:
                return
            if kind == OPAQUE:
                self._make_opaque(subject)
            elif kind == WHITEOUT:
                self._hide(subject)
            else:
                self._make(entry, path, reader)
                self.entries += 1
        except KernelError as error:
            raise _cannot_make(path, error.errno) from error
        except OSError as error:
            raise _cannot_make(path, error.errno or errno.EIO) from error

    def finish(self) -> Extracted:
        """Set the directories' times, deepest first; what was unpacked."""
        for path, atime_ns, mtime_ns in reversed(self._times):
            fd = self._open_directory(path)
            try:
                os.utime(fd, ns=(atime_ns, mtime_ns))
            finally:
                os.close(fd)
        return Extracted(self.entries, self.size_bytes, tuple(self._implied), tuple(self._notes))

    def close(self) -> None:
        """Close what is held open."""
        if self._parent[1] >= 0:
            os.close(self._parent[1])
        self._parent = (b"", -1)

    # --- places ----------------------------------------------------------------------

    def _open_directory(self, path: bytes) -> int:
        """A readable descriptor of a directory of the layer: for its attributes."""
        return openat2(self.root_fd, path or b".", os.O_RDONLY | os.O_DIRECTORY, resolve=_RESOLVE)

    def _parent_of(self, path: bytes) -> tuple[int, bytes]:
        """``(descriptor of the directory that path is in, last part)``; makes implied directories."""
        directory, last = split(path)
        if self._parent[1] >= 0 and self._parent[0] == directory:
            return self._parent[1], last
        try:
            fd = self._place(directory)
        except KernelError as error:
            if error.errno != errno.ENOENT:
                raise
            self._imply(directory)
            fd = self._place(directory)
        self.close()
        self._parent = (directory, fd)
        return fd, last

    def _place(self, directory: bytes) -> int:
        return openat2(self.root_fd, directory or b".", os.O_PATH | os.O_DIRECTORY, resolve=_RESOLVE)

    def _imply(self, directory: bytes) -> None:
        """Make the directories of a path that have no entry (yet)."""
        parts = directory.split(b"/")
        for depth in range(1, len(parts) + 1):
            path = b"/".join(parts[:depth])
            try:
                os.close(self._place(path))
                continue
            except KernelError as error:
                if error.errno != errno.ENOENT:
                    raise
            above, last = split(path)
            above_fd = self._place(above)
            try:
                self._unhide(path, last, above_fd)
                try:
                    os.mkdir(last, 0o755, dir_fd=above_fd)
                except FileExistsError as error:
                    reason = "is a link to what this layer does not hold, and has entries below it"
                    raise LayerError("entry", show(path), reason) from error
                os.chmod(last, 0o755, dir_fd=above_fd)
            finally:
                os.close(above_fd)
            self._implied[path] = None

    def _unhide(self, path: bytes, last: bytes, parent_fd: int) -> bool:
        """Take away the whiteout that this same layer has put where something is to be made."""
        if path not in self._hidden:
            return False
        self._hidden.discard(path)
        os.unlink(last, dir_fd=parent_fd)
        return True

    # --- whiteouts -------------------------------------------------------------------

    def _make_opaque(self, directory: bytes) -> None:
        try:
            fd = self._open_directory(directory)
        except KernelError as error:
            if error.errno != errno.ENOENT:
                raise
            self._imply(directory)
            fd = self._open_directory(directory)
        try:
            os.setxattr(fd, OPAQUE_XATTR, b"y")
        finally:
            os.close(fd)

    def _hide(self, path: bytes) -> None:
        parent_fd, last = self._parent_of(path)
        try:
            found = os.stat(last, dir_fd=parent_fd, follow_symlinks=False)
        except FileNotFoundError:
            os.mknod(last, stat.S_IFCHR, 0, dir_fd=parent_fd)
            self._hidden.add(path)
            return
        # "MUST only apply to resources in lower layers": what this layer brings stays, alone.
        if stat.S_ISDIR(found.st_mode):
            self._make_opaque(path)

    # --- things ----------------------------------------------------------------------

    def _make(self, entry: tar.Entry, path: bytes, reader: tar.TarReader) -> None:
        if not path:
            if entry.type != tar.DIRECTORY:
                raise LayerError("entry", show(entry.name), "would replace the layer's root")
            self._make_directory(entry, path, -1, b"")
            return
        parent_fd, last = self._parent_of(path)
        was_hidden = self._unhide(path, last, parent_fd)
        if entry.type == tar.DIRECTORY:
            self._make_directory(entry, path, parent_fd, last)
            if was_hidden:
                self._make_opaque(path)
        elif entry.type == tar.FILE:
            self._make_file(entry, parent_fd, last, reader)
        elif entry.type == tar.HARD_LINK:
            self._make_hard_link(entry, path, parent_fd, last)
        elif entry.type == tar.SYMLINK:
            if not entry.link or b"\0" in entry.link or len(entry.link) > 4095:
                raise LayerError("symbolic link", show(path), "has a target that no link can have")
            os.symlink(entry.link, last, dir_fd=parent_fd)
            self._finish_node(entry, parent_fd, last)
        else:
            self._make_node(entry, parent_fd, last)
            self._finish_node(entry, parent_fd, last)

    def _make_directory(self, entry: tar.Entry, path: bytes, parent_fd: int, last: bytes) -> None:
        if path:
            try:
                os.mkdir(last, 0o700, dir_fd=parent_fd)
            except FileExistsError:
                if not stat.S_ISDIR(os.stat(last, dir_fd=parent_fd, follow_symlinks=False).st_mode):
                    raise
            fd = os.open(last, _DIRECTORY, dir_fd=parent_fd)
        else:
            fd = os.dup(self.root_fd)
        try:
            self._set_attributes(entry, fd)
        finally:
            os.close(fd)
        self._implied.pop(path, None)
        self._times.append((path, entry.atime_ns, entry.mtime_ns))

    def _make_file(self, entry: tar.Entry, parent_fd: int, last: bytes, reader: tar.TarReader) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(last, flags, 0o600, dir_fd=parent_fd)
        try:
            while chunk := reader.data():
                view = memoryview(chunk)
                while view:
                    view = view[os.write(fd, view) :]
            self._set_attributes(entry, fd)
            os.utime(fd, ns=(entry.atime_ns, entry.mtime_ns))
        finally:
            os.close(fd)
        self.size_bytes += entry.size

    def _make_hard_link(self, entry: tar.Entry, path: bytes, parent_fd: int, last: bytes) -> None:
        target = clean(entry.link, "hard link to")
        if not target:
            raise LayerError("hard link", show(path), "points at the layer's root")
        above, name = split(target)
        try:
            target_fd = self._place(above)
        except KernelError as error:
            raise _no_target(path, target) from error
        try:
            found = os.stat(name, dir_fd=target_fd, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) or target in self._hidden:
                raise _no_target(path, target)
            os.link(name, last, src_dir_fd=target_fd, dst_dir_fd=parent_fd, follow_symlinks=False)
        except FileNotFoundError as error:
            raise _no_target(path, target) from error
        finally:
            os.close(target_fd)

    def _make_node(self, entry: tar.Entry, parent_fd: int, last: bytes) -> None:
        kind = {tar.CHAR: stat.S_IFCHR, tar.BLOCK: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO}[entry.type]
        device = 0 if entry.type == tar.FIFO else os.makedev(entry.major, entry.minor)
        os.mknod(last, kind | 0o600, device, dir_fd=parent_fd)

    # --- attributes ------------------------------------------------------------------

    def _set_attributes(self, entry: tar.Entry, fd: int) -> None:
        # In this order: a change of owner clears set-user-ID bits and file capabilities.
        os.fchown(fd, entry.uid, entry.gid)
        os.fchmod(fd, entry.mode)
        for key, value in entry.xattrs.items():
            self._set_xattr(entry, key, value, fd)

    def _finish_node(self, entry: tar.Entry, parent_fd: int, last: bytes) -> None:
        """Attributes of what must not be opened: links, devices, pipes."""
        os.chown(last, entry.uid, entry.gid, dir_fd=parent_fd, follow_symlinks=False)
        if entry.type != tar.SYMLINK:
            os.chmod(last, entry.mode, dir_fd=parent_fd)
        for key, value in entry.xattrs.items():
            self._set_xattr(entry, key, value, b"/proc/self/fd/%d/%s" % (parent_fd, last))
        os.utime(last, ns=(entry.atime_ns, entry.mtime_ns), dir_fd=parent_fd, follow_symlinks=False)

    def _set_xattr(self, entry: tar.Entry, key: bytes, value: bytes, place: int | bytes) -> None:
        name = show(key)
        if key.startswith(_OVERLAY_XATTRS):
            self._notes[f"left out attributes {name} (they are overlayfs's own)"] = None
            return
        try:
            if isinstance(place, int):
                os.setxattr(place, key, value)
            else:
                os.setxattr(place, key, value, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EPERM) or key == b"security.capability":
                raise LayerError("entry", show(entry.name), f"attribute {name}: {error.strerror}") from error
            self._notes[f"left out attributes {name} ({error.strerror})"] = None


def _no_target(path: bytes, target: bytes) -> LayerError:
    reason = f"points at {show(target)}, which is no file of this layer"
    return LayerError("hard link", show(path), reason)


def _cannot_make(path: bytes, number: int) -> LayerError | StoreError:
    if number == errno.EEXIST:
        return LayerError("entry", show(path), "comes twice in the archive")
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return StoreError("unpack", show(path), os.strerror(number))
    if number == errno.EPERM and os.geteuid() != 0:
        return LayerError("entry", show(path), "cannot be made", "layers are unpacked as root")
    if number in (errno.ENOTDIR, errno.ELOOP, errno.ENOENT):
        reason = "lies below something that is no directory"
        return LayerError("entry", show(path), reason)
    return LayerError("entry", show(path), f"cannot be made: {os.strerror(number)}")
