"""Maps of sparse files in archives: GNU's old header ('S') and its PAX forms 0.0, 0.1 and 1.0.

GNU tar manual, "Storing Sparse Files". Rule: a map is ascending, does not overlap, ends within the file, and
stands for exactly the bytes that are stored. ``untar/sparse.c`` reads the same where layers are unpacked.
"""

from __future__ import annotations

from rung.image.errors import LayerError
from rung.image.layer.names import show
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = b"GNU.sparse."
#: As many parts as a map of 1 MiB can hold.
SEGMENT_LIMIT = 1 << 18
_SIZE_LIMIT = 1 << 62
_BLOCK = 512


class Map(Record):
    """``segments`` are ``(offset, size)`` of what has data; ``size`` is the file's."""

    size: int
    segments: tuple[tuple[int, int], ...]


def old_pairs(block: bytes, start: int, count: int, number: Callable[[bytes, str], int]) -> list[tuple[int, int]]:
    """Of GNU's header, or of a block that goes on with it: up to ``count`` pairs of twelve bytes each."""
    pairs = []
    for at in range(start, start + 24 * count, 24):
        if not block[at]:
            break
        offset = number(block[at : at + 12], "sparse offset")
        pairs.append((offset, number(block[at + 12 : at + 24], "sparse size")))
    return pairs


def old_map(header: bytes, more: Callable[[], bytes], number: Callable[[bytes, str], int]) -> Map:
    """The map of a header of type ``S``; ``more`` gives the blocks that follow it."""
    pairs = old_pairs(header, 386, 4, number)
    goes_on = header[482]
    while goes_on:
        block = more()
        if not block:
            raise LayerError("archive", "", "is cut off in the middle of a sparse file's map")
        pairs += old_pairs(block, 0, 21, number)
        goes_on = block[504]
        _bounded(pairs)
    return Map(number(header[483:495], "real size"), tuple(pairs))


def form(records: Mapping[bytes, bytes]) -> tuple[int, int] | None:
    """The PAX form that a file's records speak of."""
    if not any(key.startswith(PREFIX) for key in records):
        return None
    return _decimal(records, b"major"), _decimal(records, b"minor")


def map_of_records(records: Mapping[bytes, bytes]) -> Map:
    """Forms 0.0 and 0.1, whose map is in the header (0.0's was put into 0.1's words where records are read)."""
    text = records.get(PREFIX + b"map", b"")
    numbers = [_number(part) for part in text.split(b",")] if text else []
    if len(numbers) % 2:
        raise LayerError("archive", "", "has a sparse file with a broken map")
    pairs = list(zip(numbers[::2], numbers[1::2]))
    _bounded(pairs)
    return Map(real_size(records), tuple(pairs))


def map_before_data(records: Mapping[bytes, bytes], block: Callable[[], bytes]) -> Map:
    """Form 1.0: numbers, one a line, in blocks before the data."""
    numbers: list[int] = []
    rest = b""
    while not numbers or len(numbers) < 1 + 2 * numbers[0]:
        *lines, rest = (rest + block()).split(b"\n")
        wanted = (1 + 2 * numbers[0] if numbers else 1 + 2 * _number(lines[0]) if lines else 1) - len(numbers)
        numbers += [_number(line) for line in lines[:wanted]]
        if (len(rest) > 20 and len(lines) < wanted) or (numbers and numbers[0] > SEGMENT_LIMIT):
            raise LayerError("archive", "", "has a sparse file with a broken map")
    return Map(real_size(records), tuple(zip(numbers[1::2], numbers[2::2])))


def real_size(records: Mapping[bytes, bytes]) -> int:
    """What the file's size is said to be; -1 where nothing is."""
    value = records.get(PREFIX + b"realsize", records.get(PREFIX + b"size"))
    return -1 if value is None else _number(value)


def check(name: bytes, found: Map, stored: int) -> None:
    """Refuse a map that cannot be."""
    last = 0
    for offset, size in found.segments:
        if offset < last or not 0 <= size <= _SIZE_LIMIT or offset > _SIZE_LIMIT:
            raise LayerError("entry", show(name), "is a sparse file with a broken map")
        last = offset + size
    total = sum(size for _, size in found.segments)
    if not 0 <= found.size < _SIZE_LIMIT or last > found.size or total != stored:
        raise LayerError("entry", show(name), "is a sparse file whose map does not fit its data")


def _bounded(pairs: list[tuple[int, int]]) -> None:
    if len(pairs) > SEGMENT_LIMIT:
        raise LayerError("archive", "", f"has a sparse file of more than {SEGMENT_LIMIT} parts")


def _decimal(records: Mapping[bytes, bytes], key: bytes) -> int:
    return _number(records.get(PREFIX + key, b"0"))


def _number(text: bytes) -> int:
    if not text or len(text) > 20 or text.strip(b"0123456789"):
        raise LayerError("archive", "", "has a sparse file with a broken map")
    return int(text)
