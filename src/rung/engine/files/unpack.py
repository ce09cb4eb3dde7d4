"""An archive into a container's files.

Rule: each entry's directory is found below the root by the kernel, its last part is taken away and made new, never
followed; what is made gets its owner and mode through its descriptor. An entry cannot leave the root whatever it is
called.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile

from rung.engine.errors import BadParameter, EngineError
from rung.kernel.errors import KernelError
from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.engine.files.pack import Owners

_RESOLVE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
_CHUNK = 1 << 20


class Unpacker:
    """Into ``directory`` below ``root``. ``owner``: who shall have all of it, else whom the archive says.
    ``owners``: what those are called on the disk. ``replace`` False: a directory is not put in the place of something
    else, nor the other way round."""

    def __init__(
        self,
        root: str,
        directory: str,
        *,
        owner: tuple[int, int] | None = None,
        replace: bool = True,
        owners: Owners | None = None,
    ) -> None:
        self._root, self._directory = root, directory.strip("/")
        self._owner, self._replace, self._owners = owner, replace, owners
        self._root_fd = -1

    def take(self, file: BinaryIO) -> None:
        """All of an archive, compressed or not. Raises ``BadParameter``."""
        self._root_fd = os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        times: list[tuple[str, float]] = []
        try:
            with tarfile.open(fileobj=file, mode="r|*", bufsize=_CHUNK) as tar:
                for entry in tar:
                    self._one(tar, entry, times)
            for path, moment in reversed(times):
                fd = self._open(path)
                os.utime(fd, (moment, moment))
                os.close(fd)
        except tarfile.TarError as error:
            raise BadParameter(f"the archive cannot be read: {error}") from None
        except KernelError as error:
            raise EngineError(f"cannot unpack: {error}") from error
        finally:
            os.close(self._root_fd)

    def _open(self, path: str) -> int:
        inside = f"{self._directory}/{path}".strip("/")
        return openat2(self._root_fd, inside or ".", os.O_RDONLY | os.O_DIRECTORY, resolve=_RESOLVE)

    def _parent(self, path: str) -> int:
        """Made where it is not there."""
        try:
            return self._open(path)
        except KernelError as error:
            if error.errno != errno.ENOENT or not path:
                raise
        above, _, name = path.rpartition("/")
        fd = self._parent(above)
        try:
            os.mkdir(name, 0o755, dir_fd=fd)
        except FileExistsError:
            pass
        finally:
            os.close(fd)
        return self._open(path)

    def _one(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, times: list[tuple[str, float]]) -> None:
        path = os.path.normpath("/" + entry.name).lstrip("/")
        if not path:
            return
        above, _, name = path.rpartition("/")
        parent = self._parent(above)
        try:
            if entry.isdir():
                self._make_directory(parent, name, entry)
                times.append((path, entry.mtime))
            else:
                self._clear(parent, name)
                self._make(parent, name, tar, entry)
        finally:
            os.close(parent)

    def _make_directory(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                return  # a link to a directory stays: what comes below goes where it leads, inside
            if not stat.S_ISDIR(status.st_mode):
                if not self._replace:
                    raise BadParameter(f"cannot overwrite non-directory {entry.name!r} with directory") from None
                os.unlink(name, dir_fd=parent)
                os.mkdir(name, 0o700, dir_fd=parent)
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            self._finish(fd, entry)
        finally:
            os.close(fd)

    def _clear(self, parent: int, name: str) -> None:
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return
        except IsADirectoryError:
            if not self._replace:
                raise BadParameter(f"cannot overwrite directory {name!r} with non-directory") from None
            try:
                os.rmdir(name, dir_fd=parent)
            except OSError:
                raise BadParameter(f"cannot overwrite directory {name!r} with non-directory") from None

    def _make(self, parent: int, name: str, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        if entry.islnk():
            self._link(parent, name, entry)
            return
        if entry.issym():
            os.symlink(entry.linkname, name, dir_fd=parent)
            os.chown(name, *self._owner_of(entry), dir_fd=parent, follow_symlinks=False)
            return
        if entry.isfifo():
            os.mkfifo(name, 0o600, dir_fd=parent)
        elif entry.ischr() or entry.isblk():
            kind = 0o020000 if entry.ischr() else 0o060000
            os.mknod(name, kind | 0o600, os.makedev(entry.devmajor, entry.devminor), dir_fd=parent)
        else:
            self._file(parent, name, tar, entry)
            return
        os.chown(name, *self._owner_of(entry), dir_fd=parent, follow_symlinks=False)
        os.chmod(name, entry.mode & 0o7777, dir_fd=parent)

    def _file(self, parent: int, name: str, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            source = tar.extractfile(entry)
            while source is not None and (data := source.read(_CHUNK)):
                os.write(fd, data)
            self._finish(fd, entry)
            os.utime(fd, (entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _finish(self, fd: int, entry: tarfile.TarInfo) -> None:
        os.fchown(fd, *self._owner_of(entry))
        os.fchmod(fd, entry.mode & 0o7777)
        for key, value in entry.pax_headers.items():
            if key.startswith("SCHILY.xattr."):
                os.setxattr(fd, key[13:], value.encode("utf-8", "surrogateescape"))

    def _owner_of(self, entry: tarfile.TarInfo) -> tuple[int, int]:
        found = self._owner if self._owner is not None else (entry.uid, entry.gid)
        return self._owners(*found) if self._owners is not None else found

    def _link(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        target = os.path.normpath("/" + entry.linkname).lstrip("/")
        above, _, last = target.rpartition("/")
        there = self._open(above)
        try:
            os.link(last, name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(there)
