"""Go programs: the modules that the linker wrote into them.

Go, debug/buildinfo: a header of 32 bytes, ``\\xff Go buildinf:``, pointer size, flags; from Go 1.18
on two strings follow it, before that it holds the addresses of two string headers.
"""

from __future__ import annotations

import struct

from rung.image.scan.packages import Contents, Package
from rung.image.scan.reader import at_most

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    #: A program may be large: it is read into one buffer, and never copied.
    Buffer = bytes | bytearray

#: What a file must begin with to be read whole.
ELF = b"\x7fELF"
_MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_BIG_ENDIAN, _INLINE = 1, 2
_SENTINEL = 16
_LONGEST = 16 << 20
_LOAD = 1


def read(path: bytes, data: Buffer) -> Contents:
    """The main module, its dependencies, and the standard library's version."""
    if not data.startswith(ELF):
        return Contents()
    for version, modules in _strings(data):
        if version.startswith((b"go", b"devel")):
            return Contents(packages=at_most(_packages(path, version.decode("utf-8", "replace"), modules)))
    return Contents()


def _strings(data: Buffer) -> Iterator[tuple[bytes, bytes]]:
    """The two strings of every place that may be the header: a program may hold the magic as text."""
    at = data.find(_MAGIC)
    while at >= 0:
        header = bytes(data[at : at + _HEADER])
        if len(header) == _HEADER:
            if header[15] & _INLINE:
                version, end = _inline(data, at + _HEADER)
                yield version, _inline(data, end)[0]
            elif header[14] in (4, 8):
                yield _pointed(data, header)
        at = data.find(_MAGIC, at + 1)


def _inline(data: Buffer, at: int) -> tuple[bytes, int]:
    """A string behind its length (unsigned LEB128), and where it ends."""
    length = shift = 0
    for byte in data[at : at + 5]:
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            break
    if length > _LONGEST:
        return b"", at
    return bytes(data[at : at + length]), at + length


def _pointed(data: Buffer, header: bytes) -> tuple[bytes, bytes]:
    size, order = header[14], ">" if header[15] & _BIG_ENDIAN else "<"
    pair = struct.Struct(order + ("QQ" if size == 8 else "II"))
    segments = _segments(data)

    def string(address: int) -> bytes:
        place = _offset(segments, address)
        if place is None or place + pair.size > len(data):
            return b""
        pointer, length = pair.unpack_from(data, place)
        start = _offset(segments, pointer)
        return bytes(data[start : start + length]) if start is not None and length <= _LONGEST else b""

    first, second = pair.unpack_from(header, 16)
    return string(first), string(second)


def _segments(data: Buffer) -> list[tuple[int, int, int]]:
    """``(address, size, offset)`` of what is loaded (ELF, "Program Header")."""
    wide, order = data[4:5] == b"\x02", ">" if data[5:6] == b"\x02" else "<"
    found = []
    try:
        if wide:
            (start,) = struct.unpack_from(order + "Q", data, 32)
            size, count = struct.unpack_from(order + "HH", data, 54)
        else:
            (start,) = struct.unpack_from(order + "I", data, 28)
            size, count = struct.unpack_from(order + "HH", data, 42)
        for index in range(count):
            at = start + index * size
            if wide:
                kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", data, at)
            else:
                kind, offset, address, _, length = struct.unpack_from(order + "IIIII", data, at)
            if kind == _LOAD:
                found.append((address, length, offset))
    except struct.error:
        return []
    return found


def _offset(segments: list[tuple[int, int, int]], address: int) -> int | None:
    for start, length, offset in segments:
        if start <= address < start + length:
            return offset + address - start
    return None


def _packages(path: bytes, version: str, modules: bytes) -> Iterator[Package]:
    number = version.removeprefix("go").split()[0]
    if version.startswith("go") and number[:1].isdigit():
        yield Package(kind="golang", name="stdlib", version=f"v{number}", path=path)
    if len(modules) > 2 * _SENTINEL and modules[-_SENTINEL - 1 : -_SENTINEL] == b"\n":
        modules = modules[_SENTINEL:-_SENTINEL]
    last: tuple[str, str] | None = None
    for line in modules.decode("utf-8", "replace").split("\n"):
        words = line.split("\t")
        if words[0] == "=>" and len(words) > 1 and last:  # replaces the module of the line before
            last = (words[1], words[2] if len(words) > 2 and words[2] else last[1])
        elif words[0] in ("mod", "dep") and len(words) > 2:
            if last:
                yield Package(kind="golang", name=last[0], version=last[1], path=path)
            last = (words[1], words[2])
    if last:
        yield Package(kind="golang", name=last[0], version=last[1], path=path)
