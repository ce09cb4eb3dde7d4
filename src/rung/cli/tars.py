"""Archives that travel between the caller's files and the API.

Rule: what comes out of a container is a stranger's. Nothing of it is written through a link that it has made
(CVE-2018-15664 and its kin): every entry's directory must lie, links followed, below the destination.
"""

from __future__ import annotations

import os
import tarfile

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Write = Callable[[bytes], Any]

_PIECE = 1 << 16


class Reader:
    """Pieces as a file that can only be read on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = b""
        self.size = 0

    def read(self, size: int) -> bytes:
        """As much as was asked for, less at the end."""
        parts, wanted = [], size
        while wanted:
            if not self._rest:
                self._rest = next(self._pieces, b"")
                self.size += len(self._rest)
                if not self._rest:
                    break
            parts.append(self._rest[:wanted])
            self._rest = self._rest[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)


def copied(write: Write) -> None:
    """Standard input, as it is."""
    while data := os.read(0, _PIECE):
        write(data)


class Counted:
    """A body that knows afterwards how large it was."""

    def __init__(self, body: Callable[[Write], None]) -> None:
        self._body = body
        self.size = 0

    def __call__(self, write: Write) -> None:
        """Write it."""

        def counting(data: bytes) -> None:
            self.size += len(data)
            write(data)

        self._body(counting)


class _File:
    def __init__(self, write: Write) -> None:
        self.write = write


def pack(source: str, name: str, write: Write) -> None:
    """A file or a directory of the caller's, under a name."""
    file: Any = _File(write)
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        archive.add(source, arcname=name)


def unpack(reader: Reader, to: str, *, contents: bool, owner: tuple[int, int] | None) -> None:
    """Write what comes to its place: into ``to`` where that is a directory, else as ``to``. Raises ``RungError``.

    ``contents``: of a directory only what is in it. ``owner``: of all that is written, None for the archive's own."""
    file: Any = reader
    with tarfile.open(fileobj=file, mode="r|") as archive:
        first = archive.next()
        if first is None:
            return
        root = first.name.strip("/") or "."
        base = _base(first, to, contents)
        _put(archive, first, base, owner)
        while (entry := archive.next()) is not None:
            inside = os.path.relpath(entry.name, root)
            if inside.startswith(".."):
                raise RungError("unpack", entry.name, "it lies outside of what was asked for")
            if entry.islnk():
                entry = entry.replace(
                    linkname=os.path.join(base, os.path.relpath(entry.linkname, root)), deep=False
                )
            _put(archive, entry, os.path.join(base, inside), owner, below=base)


def _base(first: tarfile.TarInfo, to: str, contents: bool) -> str:
    """Where the archive's first entry goes."""
    if os.path.isdir(to):
        name = os.path.basename(first.name.rstrip("/"))
        return (
            os.path.abspath(to) if contents or name in ("", ".") else os.path.join(os.path.abspath(to), name)
        )
    if first.isdir():
        if os.path.lexists(to):
            raise RungError("cannot copy directory", "", f"{to} is a file")
    elif to.endswith("/"):
        raise RungError("no such directory", to)
    above = os.path.dirname(os.path.abspath(to))
    if not os.path.isdir(above):
        raise RungError("invalid output path", "", f'directory "{above}" does not exist')
    return os.path.abspath(to)


def _put(
    archive: tarfile.TarFile,
    entry: tarfile.TarInfo,
    path: str,
    owner: tuple[int, int] | None,
    below: str = "",
) -> None:
    folder = os.path.realpath(os.path.dirname(path) if path != below else path)
    if below and os.path.commonpath([folder, os.path.realpath(below)]) != os.path.realpath(below):
        raise RungError("unpack", entry.name, "a link in the archive leads outside of the destination")
    if not entry.isdir() and os.path.lexists(path):
        if os.path.isdir(path) and not os.path.islink(path):
            raise RungError("cannot overwrite directory", path, "with a file")
        os.unlink(path)
    uid, gid = owner if owner is not None else (entry.uid, entry.gid)
    there = entry.replace(name=path, uid=uid, gid=gid, deep=False)
    if entry.isdir() and os.path.isdir(path):
        archive.chmod(there, path)
        return
    archive.extract(there, path="/", numeric_owner=True, filter="fully_trusted")
