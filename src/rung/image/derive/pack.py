"""A directory's files as a layer's archive: PAX, with extended attributes, hard links, times to the
nanosecond, whatever their names.

Rule: entries come sorted, and nothing of this host gets in but what the files have: the same files
give the same bytes. OCI image specification, layer.md.
"""

from __future__ import annotations

import os
import stat
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
#: The kernel's own bookkeeping of overlays is not the files'.
_LEFT_OUT = ("trusted.overlay.", "user.overlay.")


def pack(directory: str, file: BinaryIO) -> None:
    """Write the archive of all below a directory."""
    seen: dict[tuple[int, int], str] = {}
    options = {"format": tarfile.PAX_FORMAT, "encoding": "utf-8", "errors": "surrogateescape"}
    with tarfile.open(fileobj=file, mode="w|", **options) as tar:  # type: ignore[call-overload]
        for path, name, found in _walk(directory):
            kind = stat.S_IFMT(found.st_mode)
            if kind not in _TYPES:
                continue  # a socket: tar has no word for it
            info = _info(path, name, found)
            first = seen.get((found.st_dev, found.st_ino)) if kind != stat.S_IFDIR else None
            if first is not None:
                info.type, info.linkname, info.size = tarfile.LNKTYPE, first, 0
            elif found.st_nlink > 1 and kind != stat.S_IFDIR:
                seen[found.st_dev, found.st_ino] = name
            if info.type == tarfile.REGTYPE and info.size:
                fd = os.open(path, _FLAGS)
                with open(fd, "rb") as data:
                    tar.addfile(info, data)
            else:
                tar.addfile(info)


def _walk(directory: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """Paths, names in the archive and what they are; a directory before what is in it."""
    yield directory, "./", os.lstat(directory)
    waiting = [("", directory)]
    while waiting:
        above, place = waiting.pop()
        for name in sorted(os.listdir(place)):
            path, inner = os.path.join(place, name), above + name
            found = os.lstat(path)
            yield path, inner, found
            if stat.S_ISDIR(found.st_mode):
                waiting.append((inner + "/", path))


def _info(path: str, name: str, found: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    kind = stat.S_IFMT(found.st_mode)
    info.type = _TYPES[kind]
    info.mode, info.uid, info.gid = stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
    info.size = found.st_size if kind == stat.S_IFREG else 0
    seconds, rest = divmod(found.st_mtime_ns, 1_000_000_000)
    info.mtime = seconds
    records = {"mtime": f"{seconds}.{rest:09}"} if rest else {}
    if kind == stat.S_IFLNK:
        info.linkname = os.readlink(path)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        info.devmajor, info.devminor = os.major(found.st_rdev), os.minor(found.st_rdev)
    for key in os.listxattr(path, follow_symlinks=False):
        if not key.startswith(_LEFT_OUT):
            value = os.getxattr(path, key, follow_symlinks=False)
            records[f"SCHILY.xattr.{key}"] = value.decode("utf-8", "surrogateescape")
    info.pax_headers = records
    return info
