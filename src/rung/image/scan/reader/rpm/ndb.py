"""RPM's own database format (``Packages.db``; SUSE).

rpm, lib/backend/ndb/rpmpkg.c: pages of slots, each naming a blob by its place in units of 16
bytes; all little-endian.
"""

from __future__ import annotations

import struct

from rung.image.scan.packages import Contents
from rung.image.scan.reader import Unreadable
from rung.image.scan.reader.rpm.header import contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE, _SLOT, _UNIT = 4096, 16, 16
_HEADER_SIZE = 32
_FOUR = struct.Struct("<4sIII")


def read(path: bytes, data: bytes) -> Contents:
    """The packages."""
    if len(data) < _HEADER_SIZE or data[:4] != b"RpmP":
        raise Unreadable("is no RPM package database")
    return contents(path, _blobs(data), len(data))


def _blobs(data: bytes) -> Iterator[bytes]:
    _, version, _, pages = _FOUR.unpack_from(data)
    if version != 0 or pages * _PAGE > len(data):
        raise Unreadable(f"is an RPM package database of version {version} with {pages} pages that are not there")
    for at in range(_HEADER_SIZE, pages * _PAGE, _SLOT):
        magic, index, place, _ = _FOUR.unpack_from(data, at)
        if magic != b"Slot":
            raise Unreadable("is a damaged RPM package database")
        if not index or not place:
            continue
        start = place * _UNIT
        if start + _FOUR.size > len(data):
            raise Unreadable("is an RPM package database that is cut off")
        magic, owner, _, length = _FOUR.unpack_from(data, start)
        start += _FOUR.size
        if magic != b"BlbS" or owner != index or start + length > len(data):
            raise Unreadable("is a damaged RPM package database")
        yield data[start : start + length]
