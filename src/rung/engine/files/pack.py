"""A tree of a container's files as a tar stream: owners, modes, links, devices, extended attributes.

Directories are walked by descriptors, files opened without following links: what is swapped meanwhile is missed, or is
taken as what it then is, and leads nowhere.
"""

from __future__ import annotations

import os
import stat
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, Self

    from rung.engine.files.root import Place

    Owners = Callable[[int, int], tuple[int, int]]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: What is read of a file, and written, at once: a reader who stalls keeps a few times this in memory.
_CHUNK = 1 << 16


def pack(
    place: Place, name: str, file: BinaryIO, *, devices: frozenset[int] | None = None, owners: Owners | None = None
) -> None:
    """Write the tree at ``place`` into ``file``, called ``name`` there (empty: only what is in it). With ``devices``,
    file systems that are not among them are left out; ``owners``: what those on the disk are called there."""
    with Packer(file, devices, owners) as packer:
        packer.add(place.parent_fd, place.name, name)


class _Sink:
    """The file, as long as the archive may still be whole: ``tarfile`` writes what it has buffered, however it ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.is_over = False

    def write(self, data: bytes) -> int:
        return len(data) if self.is_over else self._file.write(data)


class Packer:
    """The walk: ``with`` it, ``add`` what there is."""

    def __init__(self, file: BinaryIO, devices: frozenset[int] | None, owners: Owners | None = None) -> None:
        self._owners = owners
        self._sink = _Sink(file)
        sink: Any = self._sink
        self._tar = tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK)
        self._tar.copybufsize = _CHUNK  # type: ignore[attr-defined]
        self._links: dict[tuple[int, int], str] = {}
        self._devices = devices

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        """The archive is whole, unless something failed."""
        if kind is not None:
            self._sink.is_over = True
        self._tar.close()

    def add(self, parent_fd: int, entry: str, name: str) -> None:
        """One thing, and all below it."""
        try:
            status = os.stat(entry, dir_fd=parent_fd, follow_symlinks=False)
        except FileNotFoundError:
            return  # gone meanwhile
        if self._devices is not None and status.st_dev not in self._devices:
            return
        if stat.S_ISSOCK(status.st_mode):
            return  # no archive holds one
        info = self._info(parent_fd, entry, name, status)
        if stat.S_ISDIR(status.st_mode):
            if name:
                self._tar.addfile(info)
            self._add_below(parent_fd, entry, name)
        elif stat.S_ISREG(status.st_mode) and info.type == tarfile.REGTYPE:
            self._add_file(parent_fd, entry, info)
        else:
            self._tar.addfile(info)

    def _add_below(self, parent_fd: int, entry: str, name: str) -> None:
        try:
            fd = os.open(entry, _DIRECTORY, dir_fd=parent_fd)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            for child in sorted(os.listdir(fd)):
                self.add(fd, child, f"{name}/{child}" if name else child)
        finally:
            os.close(fd)

    def _add_file(self, parent_fd: int, entry: str, info: tarfile.TarInfo) -> None:
        try:
            fd = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent_fd)
        except OSError:
            return
        with open(fd, "rb", buffering=0) as source:
            info.size = os.fstat(fd).st_size
            self._tar.addfile(info, _Exactly(source, info.size))  # type: ignore[arg-type]

    def _info(self, parent_fd: int, entry: str, name: str, status: os.stat_result) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name or ".")
        info.mode, info.uid, info.gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
        if self._owners is not None:
            info.uid, info.gid = self._owners(info.uid, info.gid)
        info.mtime = status.st_mtime
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFDIR:
            info.type = tarfile.DIRTYPE
        elif kind == stat.S_IFLNK:
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(entry, dir_fd=parent_fd)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            info.type = tarfile.CHRTYPE if kind == stat.S_IFCHR else tarfile.BLKTYPE
            info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        elif kind == stat.S_IFIFO:
            info.type = tarfile.FIFOTYPE
        elif status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), name)
            if first != name:
                info.type, info.linkname = tarfile.LNKTYPE, first
        info.pax_headers = self._attributes(parent_fd, entry)
        return info

    def _attributes(self, parent_fd: int, entry: str) -> dict[str, str]:
        found: dict[str, str] = {}
        path = f"/proc/self/fd/{parent_fd}/{entry}"
        try:
            names = os.listxattr(path, follow_symlinks=False)
            for key in names:
                if key.startswith(("user.", "security.capability")) and not key.startswith("user.overlay."):
                    value = os.getxattr(path, key, follow_symlinks=False)
                    found[f"SCHILY.xattr.{key}"] = value.decode("utf-8", "surrogateescape")
        except OSError:
            return {}  # not of this file system, or gone
        return found


class _Exactly:
    """So many bytes of a file, zeros where it has become shorter: the header has been written."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int) -> bytes:
        data = self._source.read(min(size, self._left))
        data += bytes(min(size, self._left) - len(data)) if not data else b""
        self._left -= len(data)
        return data
