"""A layer as eStargz: a gzip file of many members, any file of which can be fetched by itself.

Each regular file's bytes begin a gzip member (a long file's every 4 MiB); the last entry of the
archive, ``stargz.index.json``, says where; the last 51 bytes of the blob say where that one is. To
anybody else it is a plain ``.tar.gz``. containerd stargz-snapshotter, docs/estargz.md.

Rule: entries' headers are taken over byte for byte; only what names and finds them is new.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zlib

from rung import jsonc
from rung.image.errors import LayerError
from rung.image.layer.names import clean, show
from rung.image.layer.tar import BLOCK, CHAR, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK, TarReader
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.image.layer.tar import Entry

TOC_NAME = "stargz.index.json"
_CHUNK = 4 << 20
_LEVEL = 6
_TYPES = {
    DIRECTORY: "dir",
    FILE: "reg",
    SYMLINK: "symlink",
    HARD_LINK: "hardlink",
    CHAR: "char",
    BLOCK: "block",
    FIFO: "fifo",
}


class Stargz(Record):
    """What has been written: the table of contents, the diff ID, the size of all uncompressed."""

    toc: bytes
    diff_id: Digest
    size_bytes: int


def write_stargz(read: Callable[[int], bytes], write: Callable[[bytes], None]) -> Stargz:
    """Convert an uncompressed archive; ``write`` takes the blob's bytes in order."""
    source, out = _Taken(read), _Members(write)
    entries: list[dict[str, Any]] = []
    reader = TarReader(source.read)
    padding = 0  # what the reader passes over before the next header
    for entry in reader:
        header = source.take()[padding:]
        padding = -entry.size % 512 if entry.type == FILE else 0
        path = clean(entry.name)
        if path == TOC_NAME.encode():  # of an earlier conversion
            while reader.data():
                pass
            source.take()
            continue
        described = _describe(entry, path)
        out.write(header)
        if entry.type == FILE and entry.size:
            entries += _file(described, entry.size, reader, out)
            source.take()
        else:
            entries.append(described)
    toc = jsonc.dumps({"version": 1, "entries": entries}).encode()
    toc_at = out.cut()
    out.write(_end(toc))
    out.cut()
    write(_footer(toc_at))
    return Stargz(toc, Digest("sha256", out.hash.hexdigest()), out.size_bytes)


def _file(described: dict[str, Any], size: int, reader: TarReader, out: _Members) -> list[dict[str, Any]]:
    """A file's bytes, each chunk a member of its own: its entries in the table."""
    whole = hashlib.sha256()
    entries = [described]
    at = 0
    while at < size:
        offset, hasher, length = out.cut(), hashlib.sha256(), 0
        while length < _CHUNK and (data := reader.data(_CHUNK - length)):
            out.write(data)
            hasher.update(data)
            whole.update(data)
            length += len(data)
        if not length:
            raise LayerError("layer", "", "has an entry that is shorter than it says")
        chunk = described if not at else {"name": described["name"], "type": "chunk"}
        chunk |= {"offset": offset, "chunkDigest": f"sha256:{hasher.hexdigest()}"}
        if at:
            chunk["chunkOffset"] = at
            entries.append(chunk)
        if length < size - at or at:
            chunk["chunkSize"] = length
        at += length
    out.cut()
    out.write(bytes(-size % 512))
    described["digest"] = f"sha256:{whole.hexdigest()}"
    return entries


def _describe(entry: Entry, path: bytes) -> dict[str, Any]:
    import time

    try:
        name = path.decode()
        link = entry.link.decode()
    except UnicodeDecodeError:
        hint = "its table of contents is JSON; gzip and zstd can have it"
        raise LayerError("layer", show(path), "cannot be in an eStargz layer: its name is not UTF-8", hint) from None
    seconds = entry.mtime_ns // 1_000_000_000
    value: dict[str, Any] = {
        "name": f"{name}/" if entry.type == DIRECTORY and name else name,
        "type": _TYPES[entry.type],
        "modtime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
    }
    if entry.type == FILE:
        value["size"] = entry.size
    if entry.type in (SYMLINK, HARD_LINK):
        value["linkName"] = link
    if entry.type in (CHAR, BLOCK):
        value |= {"devMajor": entry.major, "devMinor": entry.minor}
    if entry.xattrs:
        named = ((key.decode("utf-8", "backslashreplace"), data) for key, data in entry.xattrs.items())
        value["xattrs"] = {key: base64.b64encode(data).decode() for key, data in named}
    return value


def _end(toc: bytes) -> bytes:
    """The table as the last entry, and the archive's end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(TOC_NAME)
        info.size, info.mode = len(toc), 0o444
        tar.addfile(info, io.BytesIO(toc))
        used = buffer.tell()
    return buffer.getvalue()[:used] + bytes(1024)


def _footer(toc_at: int) -> bytes:
    """An empty gzip member whose extra field (RFC 1952, 2.3.1.1) says where the table is: 51 bytes."""
    word = b"%016xSTARGZ" % toc_at
    extra = b"SG" + len(word).to_bytes(2, "little") + word
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(extra).to_bytes(2, "little") + extra
    return header + b"\x01\0\0\xff\xff" + bytes(8)


class _Taken:
    """Reads on, and remembers what was read since it was last asked."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.source = read
        self.parts: list[bytes] = []

    def read(self, size: int) -> bytes:
        data = self.source(size)
        self.parts.append(data)
        return data

    def take(self) -> bytes:
        found = b"".join(self.parts)
        self.parts.clear()
        return found


class _Members:
    """A gzip file, cut into members where it is asked for."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.sink = write
        self.offset = 0
        self.size_bytes = 0
        self.hash = hashlib.sha256()
        self.member: Any = None

    def write(self, data: bytes) -> None:
        if not data:
            return
        if self.member is None:
            self.member = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        self.hash.update(data)
        self.size_bytes += len(data)
        self._out(self.member.compress(data))

    def cut(self) -> int:
        """End the member; where in the file the next one begins."""
        if self.member is not None:
            self._out(self.member.flush())
            self.member = None
        return self.offset

    def _out(self, data: bytes) -> None:
        if data:
            self.sink(data)
            self.offset += len(data)
