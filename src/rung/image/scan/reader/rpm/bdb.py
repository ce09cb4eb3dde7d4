"""RPM's database as a Berkeley DB hash (``Packages``; CentOS 7, RHEL 8 and before).

Berkeley DB's dbinc/db_page.h: a hash's pages hold offsets of items, keys and values in turn; a
header is so long that its value is mostly on a chain of overflow pages.
"""

from __future__ import annotations

import struct

from rung.image.scan.packages import Contents
from rung.image.scan.reader import Unreadable
from rung.image.scan.reader.rpm.header import contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH_MAGIC = 0x061561
_PAGE_HEADER = 26
_HASH_UNSORTED, _OVERFLOW, _HASH = 2, 7, 13
_ITEM_INLINE, _ITEM_OFF_PAGE = 1, 3


def read(path: bytes, data: bytes) -> Contents:
    """The packages."""
    order = next((o for o in "<>" if data[12:16] == struct.pack(o + "I", _HASH_MAGIC)), "")
    if not order or len(data) < 512:
        raise Unreadable("is no Berkeley DB hash")
    (size,) = struct.unpack_from(order + "I", data, 20)
    if size < 512 or size > 65536 or size & (size - 1):
        raise Unreadable(f"is a Berkeley DB with pages of {size} bytes")
    return contents(path, _values(data, size, order), len(data))


def _values(data: bytes, size: int, order: str) -> Iterator[bytes]:
    for start in range(size, len(data) - size + 1, size):
        kind = data[start + 25]
        if kind not in (_HASH, _HASH_UNSORTED):
            continue
        (entries,) = struct.unpack_from(order + "H", data, start + 20)
        if _PAGE_HEADER + 2 * entries > size:
            raise Unreadable("is a damaged Berkeley DB")
        offsets = struct.unpack_from(f"{order}{entries}H", data, start + _PAGE_HEADER)
        for index in range(1, entries, 2):
            value = _value(data, size, order, start, offsets[index], offsets[index - 1])
            if len(value) > 16:  # the one entry that is no header counts the packages
                yield value


def _value(data: bytes, size: int, order: str, start: int, offset: int, before: int) -> bytes:
    """An item; a page is filled from its end, so it reaches to where the one before begins."""
    if offset >= size:
        raise Unreadable("is a damaged Berkeley DB")
    at = start + offset
    if data[at] == _ITEM_INLINE:
        return data[at + 1 : start + before]
    if data[at] != _ITEM_OFF_PAGE or offset + 12 > size:
        return b""
    page, length = struct.unpack_from(order + "II", data, at + 4)
    parts: list[bytes] = []
    left = length
    while page and left > 0:
        here = page * size
        if here + size > len(data) or data[here + 25] != _OVERFLOW or len(parts) > len(data) // size:
            raise Unreadable("is a damaged Berkeley DB")
        parts.append(data[here + _PAGE_HEADER : here + min(size, _PAGE_HEADER + left)])
        left -= len(parts[-1])
        (page,) = struct.unpack_from(order + "I", data, here + 16)
    if left > 0:
        raise Unreadable("is a damaged Berkeley DB")
    return b"".join(parts)
