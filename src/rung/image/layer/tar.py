"""Tar archives as a stream of entries: ustar, GNU long names, PAX, sparse files.

Why not ``tarfile``: it takes a broken header in the middle for the archive's end, reads
PAX records of any size into memory, and costs twice the time. Here the archive is
untrusted: whatever does not parse is an error, every length has a bound, names are bytes.

Rule: bytes in, entries out; nothing here knows of files. ``TarReader(read)`` takes a
function that gives the next bytes (at most n, ``b""`` at the end).
POSIX.1-2017 pax ("ustar Interchange Format", "pax Header Block"); GNU tar manual,
"Basic Tar Format". Where readers differ, this one does as Go's archive/tar, which is
what the field unpacks with: headers of links, directories and devices have no data.
"""

from __future__ import annotations

from rung.image.errors import LayerError
from rung.image.layer import sparse
from rung.image.layer.names import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILE, HARD_LINK, SYMLINK, CHAR, BLOCK, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_CHUNK = 1 << 20
#: A long name or a set of PAX records; containerd's and Docker's reader allows 1 MiB too.
RECORD_LIMIT = 1 << 20
_SIZE_LIMIT = 1 << 62
_TIME_LIMIT = 1 << 33  # seconds; beyond it (2242) docker takes the time for nonsense too
_ID_LIMIT = (1 << 32) - 1
_XATTR = b"SCHILY.xattr."
_MAP = b"GNU.sparse.map"
_OF_A_MAP = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_NO_DATA = frozenset((HARD_LINK, SYMLINK, CHAR, BLOCK, DIRECTORY, FIFO))
_KNOWN = _NO_DATA | {FILE}
_REGULAR = frozenset((b"0", b"\0", b"7", b"S"))


class Entry:
    """One member. ``mode`` has permission bits only; times in ns; ``type`` is one of the above."""

    __slots__ = (
        "atime_ns", "gid", "link", "major", "minor", "mode", "mtime_ns",
        "name", "size", "type", "uid", "xattrs",
    )  # fmt: skip

    name: bytes
    type: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    atime_ns: int
    link: bytes
    major: int
    minor: int
    xattrs: dict[bytes, bytes]

    def __repr__(self) -> str:
        return f"Entry({self.type!r}, {self.name!r}, {self.mode:o}, {self.uid}:{self.gid}, {self.size})"


class TarReader:
    """Iterate to get entries; read an entry's data (or not) before asking for the next one."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._left = 0  # data of the current entry not yet read
        self._padding = 0
        self._map: sparse.Map | None = None
        self._at = self._segment = 0
        self._globals: dict[bytes, bytes] = {}

    def __iter__(self) -> Iterator[Entry]:
        records: dict[bytes, bytes] = {}
        while (header := self._next_header()) is not None:
            kind = header[156:157]
            if kind == b"x":
                records.update(_pax(self._record(header)))
            elif kind == b"g":
                self._globals.update(_pax(self._record(header)))
            elif kind == b"L":
                records[b"path"] = _until_nul(self._record(header))
            elif kind == b"K":
                records[b"linkpath"] = _until_nul(self._record(header))
            elif kind == b"V":  # a volume's label
                self._record(header)
            else:
                mine = {**self._globals, **records} if self._globals else records
                records = {}
                entry = _entry(header, mine)
                self._left = entry.size
                self._padding = -entry.size % _BLOCK
                if entry.type == FILE:
                    self._sparse(entry, header, mine)
                yield entry
        if records:
            raise LayerError("archive", "", "ends after a header that belongs to an entry")

    def data(self, limit: int = _CHUNK) -> bytes:
        """The next bytes of the current entry's data, the holes of a sparse file as zeros; empty at its end."""
        if self._map is None:
            return self._stored(limit)
        at, segments = self._at, self._map.segments
        while self._segment < len(segments) and at >= sum(segments[self._segment]):
            self._segment += 1
        offset, size = segments[self._segment] if self._segment < len(segments) else (self._map.size, 0)
        if at < offset:
            chunk = bytes(min(limit, offset - at))
        else:
            chunk = self._stored(min(limit, offset + size - at))
        self._at += len(chunk)
        return chunk

    def _sparse(self, entry: Entry, header: bytes, records: dict[bytes, bytes]) -> None:
        """Read what the archive says of a sparse file before its data."""
        self._map, self._at, self._segment = None, 0, 0
        form = sparse.form(records)
        if header[156:157] == b"S":
            found = sparse.old_map(header, self._block, _number)
        elif form is None:
            return
        elif form == (1, 0):
            found = sparse.map_before_data(records, self._map_block)
        elif form <= (0, 1):
            found = sparse.map_of_records(records)
        else:
            reason = f"is a sparse file of the unknown form {form[0]}.{form[1]}"
            raise LayerError("entry", show(entry.name), reason)
        entry.name = records.get(b"GNU.sparse.name") or entry.name
        sparse.check(entry.name, found, self._left)
        self._map, entry.size = found, found.size

    def _map_block(self) -> bytes:
        parts = []
        left = _BLOCK
        while left and (part := self._stored(left)):
            parts.append(part)
            left -= len(part)
        if left:
            raise LayerError("archive", "", "has a sparse file with a broken map")
        return b"".join(parts)

    def _stored(self, limit: int) -> bytes:
        if not self._left:
            return b""
        chunk = self._read(min(limit, self._left))
        if not chunk:
            raise LayerError("archive", "", "is cut off in the middle of a file's data")
        self._left -= len(chunk)
        return chunk

    def _next_header(self) -> bytes | None:
        while self._stored(_CHUNK):
            pass
        self._map = None
        if self._padding:
            self._exactly(self._padding, "padding")
            self._padding = 0
        header = self._block()
        if header == _ZERO:
            # "two 512-octet blocks filled with binary zeros" end an archive; one suffices if nothing follows.
            header = self._block()
            if header and header != _ZERO:
                raise LayerError("archive", "", "goes on behind a block of zeros")
            return None
        return header or None

    def _block(self) -> bytes:
        block = self._read(_BLOCK)
        while 0 < len(block) < _BLOCK:
            more = self._read(_BLOCK - len(block))
            if not more:
                raise LayerError("archive", "", "is cut off in the middle of a header")
            block += more
        return block

    def _exactly(self, size: int, what: str) -> bytes:
        parts = []
        while size:
            part = self._read(size)
            if not part:
                raise LayerError("archive", "", f"is cut off in the middle of {what}")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _record(self, header: bytes) -> bytes:
        _check(header)
        size = _number(header[124:136], "size")
        if not 0 <= size <= RECORD_LIMIT:
            reason = f"has an extended header of {size} bytes (at most {RECORD_LIMIT})"
            raise LayerError("archive", "", reason)
        data = self._exactly(size, "an extended header")
        self._padding = -size % _BLOCK
        return data


def _entry(header: bytes, records: dict[bytes, bytes]) -> Entry:
    _check(header)
    entry = Entry()
    magic = header[257:263]
    name = _until_nul(header[0:100])
    if magic == b"ustar\0" and header[345]:
        name = _until_nul(header[345:500]) + b"/" + name
    kind = header[156:157]
    entry.name, entry.link = name, _until_nul(header[157:257])
    entry.mode = _number(header[100:108], "mode") & 0o7777
    entry.uid, entry.gid = _number(header[108:116], "uid"), _number(header[116:124], "gid")
    entry.size = _number(header[124:136], "size")
    entry.mtime_ns = _number(header[136:148], "mtime") * 1_000_000_000
    entry.atime_ns = -1
    entry.major = entry.minor = 0
    entry.xattrs = {}
    if records:
        _apply(entry, records)
    if kind in _NO_DATA:
        entry.size = 0
    if kind in _REGULAR:
        # Before POSIX a directory was a file whose name ends with a slash.
        kind = DIRECTORY if kind == b"\0" and entry.name.endswith(b"/") else FILE
    if kind not in _KNOWN:
        reason = f"is of the unknown type '{show(kind)}', which is not supported in layers"
        raise LayerError("entry", show(entry.name), reason)
    entry.type = kind
    if kind in (CHAR, BLOCK):
        entry.major, entry.minor = _number(header[329:337], "device"), _number(header[337:345], "device")
    _check_values(entry)
    return entry


def _check_values(entry: Entry) -> None:
    if not 0 <= entry.size < _SIZE_LIMIT:
        raise LayerError("entry", show(entry.name), f"has the size {entry.size}")
    if not (0 <= entry.uid < _ID_LIMIT and 0 <= entry.gid < _ID_LIMIT):
        raise LayerError("entry", show(entry.name), f"has the owner {entry.uid}:{entry.gid}")
    if not (0 <= entry.major < 1 << 12 and 0 <= entry.minor < 1 << 20):
        raise LayerError("entry", show(entry.name), f"has the device number {entry.major}:{entry.minor}")
    if abs(entry.mtime_ns) > _TIME_LIMIT * 1_000_000_000:
        entry.mtime_ns = 0
    if not 0 <= entry.atime_ns <= _TIME_LIMIT * 1_000_000_000:
        entry.atime_ns = entry.mtime_ns


def _apply(entry: Entry, records: dict[bytes, bytes]) -> None:
    for key, value in records.items():
        if key.startswith(_XATTR):
            entry.xattrs[key[len(_XATTR) :]] = value
        elif not value:
            continue  # as if it were not there
        elif key == b"path":
            entry.name = value
        elif key == b"linkpath":
            entry.link = value
        elif key == b"size":
            entry.size = _decimal(value, key)
        elif key == b"uid":
            entry.uid = _decimal(value, key)
        elif key == b"gid":
            entry.gid = _decimal(value, key)
        elif key == b"mtime":
            entry.mtime_ns = _nanoseconds(value)
        elif key == b"atime":
            entry.atime_ns = _nanoseconds(value)


def _check(header: bytes) -> None:
    """The header's checksum: the sum of its bytes, its own field taken as blanks."""
    stored = _number(header[148:156], "checksum")
    plain = sum(header) - sum(header[148:156]) + 8 * 32
    if stored == plain:
        return
    # Some old writers summed signed characters.
    high = sum(1 for byte in header[:148] if byte > 127) + sum(1 for byte in header[156:] if byte > 127)
    if stored != plain - 256 * high:
        reason = "has a broken header: its checksum is wrong"
        raise LayerError("archive", "", reason, "it is no tar or damaged")


def _number(field: bytes, what: str) -> int:
    first = field[0]
    if first & 0x80:  # GNU: a big-endian binary number, two's complement
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        return value - (1 << 8 * len(field) - 1) if first & 0x40 else value
    digits = field.strip(b" \0").partition(b"\0")[0].rstrip(b" ")
    if not digits:
        return 0
    try:
        # int() would take signs, blanks and underscores between digits.
        if digits.strip(b"01234567"):
            raise ValueError
        return int(digits, 8)
    except ValueError:
        raise LayerError("archive", "", f"has a broken header: {what} '{show(field)}' is no number") from None


def _decimal(value: bytes, what: bytes) -> int:
    digits = value.removeprefix(b"-")
    if not digits or len(digits) > 20 or digits.strip(b"0123456789"):
        raise LayerError("archive", "", f"has the PAX record {show(what)} with '{show(value)}', no number")
    return int(value)


def _nanoseconds(value: bytes) -> int:
    seconds, _, fraction = value.partition(b".")
    whole = _decimal(seconds or b"0", b"time") * 1_000_000_000
    if fraction.strip(b"0123456789"):
        raise LayerError("archive", "", f"has a PAX time '{show(value)}' that is no number")
    part = int(fraction[:9].ljust(9, b"0"))
    return whole - part if value.startswith(b"-") else whole + part


def _pax(data: bytes) -> dict[bytes, bytes]:
    """``"%d %s=%s\\n"``: length (its own digits included), keyword, value."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        if not data[at]:  # some writers pad with NULs
            if data[at:].strip(b"\0"):
                break
            return records
        blank = data.find(b" ", at, at + 9)
        length = data[at:blank] if blank > at else b""
        end = at + int(length) if length and not length.strip(b"0123456789") else 0
        record = data[blank + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if end > len(data) or not record.endswith(b"\n") or not equals or not key:
            break
        if b"\0" in key or (b"\0" in value and not key.startswith(_XATTR)):
            break
        if key in _OF_A_MAP:  # form 0.0 says these again and again
            value = records[_MAP] + b"," + value if _MAP in records else value
            key = _MAP
        records[key] = value
        at = end
    else:
        return records
    raise LayerError("archive", "", "has a broken PAX header", "it is no tar or damaged")


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
