"""The files of an archive, read where they lie.

Rule: a tar is indexed once and then read by position, from several threads; one that is
compressed is unpacked into a file without a name first.
"""

from __future__ import annotations

import os
import tempfile

from rung.image.errors import ArchiveError, LayerError
from rung.image.layer import tar
from rung.image.layer.decompress import plain, sniff
from rung.image.layer.names import clean
from rung.image.store.blobs import DOCUMENT_LIMIT
from rung.image.transfer.streams import FileStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.image.registry.upload import Stream

_ENTRIES = 100_000
_BUFFER = 1 << 20
#: A compressed archive may be unpacked to so many bytes, or to so many times its size if that is more.
_SPOOL_BYTES, _SPOOL_RATIO = 1 << 30, 100


class Members:
    """The files of a tar, by name, where they lie."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._places: dict[bytes, tuple[int, int]] = {}
        self._links: dict[bytes, bytes] = {}
        try:
            self._file = _uncompressed(path)
            try:
                self._index()
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise ArchiveError("read", path, error.strerror or "") from error
        except LayerError as error:
            reason = f"{error.operation} {error.object}".strip() + f" {error.reason}"
            raise ArchiveError("read", path, reason, error.hint) from error

    def _index(self) -> None:
        for count, entry in enumerate(tar.TarReader(self._file.read)):
            if count >= _ENTRIES:
                raise ArchiveError("read", self.path, f"has more than {_ENTRIES} entries")
            name = clean(entry.name)
            if entry.type == tar.FILE:
                self._places[name] = self._file.tell(), entry.size
            elif entry.type in (tar.SYMLINK, tar.HARD_LINK):
                base = name.rpartition(b"/")[0] + b"/" if entry.type == tar.SYMLINK else b""
                self._links[name] = clean(base + entry.link)

    def find(self, name: str) -> tuple[int, int] | None:
        """Position and size of a file; links are followed, in circles not."""
        key = name.encode("utf-8", "surrogateescape")
        for _ in range(8):
            if key not in self._links:
                return self._places.get(key)
            key = self._links[key]
        return None

    def open(self, name: str, offset: int = 0) -> tuple[Stream, int]:
        """A file's bytes from ``offset`` on, and how many they are in all."""
        place = self.find(name)
        if place is None:
            raise ArchiveError("read", self.path, f"there is no {name!r:.200} in it")
        start, size = place
        file = os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0)
        return FileStream(_At(file, start + offset), max(0, size - offset)), size

    def read(self, name: str) -> bytes | None:
        """A document; None where it is not there."""
        if self.find(name) is None:
            return None
        stream, size = self.open(name)
        try:
            if size > DOCUMENT_LIMIT:
                raise ArchiveError("read", self.path, f"{name} is larger than a document may be")
            data = bytearray(size)
            done, view = 0, memoryview(data)
            while done < size and (more := stream.readinto(view[done:])):
                done += more
            return bytes(data[:done])
        finally:
            stream.close()

    def close(self) -> None:
        self._file.close()


class _At:
    """A file read from a position of one's own: several threads share its descriptor."""

    def __init__(self, file: BinaryIO, position: int) -> None:
        self._file, self._position = file, position

    def readinto(self, view: memoryview) -> int:
        size = os.preadv(self._file.fileno(), [view], self._position)
        self._position += size
        return size

    def close(self) -> None:
        self._file.close()


def _uncompressed(path: str) -> BinaryIO:
    """The archive itself where it is plain and can be read by position, else a copy without a name."""
    file = open(path, "rb")
    try:
        if file.seekable():
            is_plain = not sniff(file.read(6))
            file.seek(0)
            if is_plain:
                return file
        return _spooled(file)
    except BaseException:
        file.close()
        raise


def _spooled(file: BinaryIO) -> BinaryIO:
    spool = tempfile.TemporaryFile()
    try:
        read = plain(file.read)
        while data := read(_BUFFER):
            spool.write(data)
            if spool.tell() > max(_SPOOL_BYTES, _SPOOL_RATIO * os.fstat(file.fileno()).st_size):
                reason = f"is more than {_SPOOL_RATIO} times as large as its compressed form"
                raise LayerError("archive", "", reason, "unpack it first if it is meant to be")
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    file.close()
    return spool
