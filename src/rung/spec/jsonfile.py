"""Docker's json-file log: a JSON object a line, ``{"log":"text\\n","stream":"stdout","time":"RFC 3339"}``.

A line of output is a record; one longer than 16 KiB is several, of which only the last ends in a newline. Pure: no I/O.

A container may say 200 MB in a second or two. So whatever came at once is written, and read again, at once: its
records differ in their texts only, and the rest is put between them, or taken away, by one ``replace`` in C.
"""

from __future__ import annotations

from _operator import itemgetter, methodcaller
from time import gmtime, strftime

from rung import jsonc
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    encode_basestring: Callable[[str], str]
else:
    from _json import encode_basestring

#: docker/logger/copier.go's bufSize: what one record holds at most.
LONGEST = 16 << 10
#: What the name of a compressed log file ends with.
COMPRESSED = ".gz"

_HEAD = b'{"log":"'
_STREAM, _TIME = b'","stream":"', b'","time":"'
_ESCAPED = [b'"', *(bytes([byte]) for byte in range(0x20) if byte != 0x0A)]


class Entry(Record):
    """One record. ``time``: RFC 3339 with nanoseconds, UTC."""

    text: str
    stream: str
    time: str
    attributes: Mapping[str, str] = {}


class Lines:
    """Bytes of one stream as they come, records as they are whole."""

    def __init__(self, stream: str, attributes: str = "") -> None:
        """``attributes``: a JSON object that each record has, or nothing."""
        more = f',"attrs":{attributes}' if attributes else ""
        self._after = f',"stream":"{stream}"{more},"time":"'
        self._rest = b""

    def feed(self, data: bytes, moment_ns: int) -> bytes:
        """The log's bytes for the lines that ``data`` completes; all have the one time."""
        whole = self._rest + data if self._rest else data
        end = whole.rfind(b"\n") + 1
        self._rest = whole[end:]
        time = timestamp(moment_ns)
        tail = f'{self._after}{time}"}}\n'
        if b"\\" not in whole and _are_short(whole, end):
            return _at_once(whole[:end], tail)
        lines = whole[:end].decode("utf-8", "replace").split("\n")[:-1]
        found = [f'{{"log":{encode_basestring(line)[:-1]}\\n"{tail}' for line in lines if len(line) < LONGEST]
        if len(found) != len(lines):
            found = [piece for line in lines for piece in _pieces(line, tail)]
        while len(self._rest) >= LONGEST:
            part, self._rest = self._rest[:LONGEST], self._rest[LONGEST:]
            found.append(f'{{"log":{encode_basestring(part.decode("utf-8", "replace"))}{tail}')
        return "".join(found).encode()

    def end(self, moment_ns: int) -> bytes:
        """The last line, if it has no end."""
        if not self._rest:
            return b""
        text, self._rest = self._rest.decode("utf-8", "replace"), b""
        return f'{{"log":{encode_basestring(text)}{self._after}{timestamp(moment_ns)}"}}\n'.encode()


def _are_short(lines: bytes, end: int) -> bool:
    """Whether each of the lines up to ``end`` is one record."""
    at = 0
    while at < end:
        at = lines.rfind(b"\n", at, at + LONGEST) + 1
        if not at:
            return False
    return True


def _at_once(lines: bytes, tail: str) -> bytes:
    """The records of lines without a backslash. Where they need escapes, a backslash and ``n`` is a line's end once
    they have them."""
    if not lines:
        return b""
    if _is_plain(lines):
        return _HEAD + lines.replace(b"\n", f'\\n"{tail}{_HEAD.decode()}'.encode())[: -len(_HEAD)]
    encoded = encode_basestring(lines.decode("utf-8", "replace"))  # in quotation marks
    records = encoded[:-1].replace("\\n", f'\\n"{tail}{{"log":"')
    return f'{{"log":{records[: -len(_HEAD)]}'.encode()


def _is_plain(lines: bytes) -> bool:
    """Whether the bytes are what JSON has for them. (One search for each byte that is not is five times as fast
    as an encoder, and one for all ten times as slow.)"""
    if any(byte in lines for byte in _ESCAPED):
        return False
    if lines.isascii():
        return True
    try:
        lines.decode()
    except UnicodeDecodeError:
        return False
    return True


def _pieces(line: str, tail: str) -> list[str]:
    parts = [line[at : at + LONGEST] for at in range(0, len(line), LONGEST)] or [""]
    parts[-1] += "\n"
    return [f'{{"log":{encode_basestring(part)}{tail}' for part in parts]


def timestamp(moment_ns: int) -> str:
    """RFC 3339 with nanoseconds, as Go writes it."""
    seconds, rest = divmod(moment_ns, 1_000_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{rest:09d}Z"


def parse(line: bytes) -> Entry | None:
    """A line of a log; None for one that was cut off (a full disk, a crash)."""
    try:
        found = jsonc.loads(line)
        return Entry(found["log"], found["stream"], found["time"], found.get("attrs") or {})
    except (ValueError, KeyError, TypeError):
        return None


class Run(Record):
    """Records that follow each other and have stream and time in common. ``text``: theirs, joined."""

    text: bytes
    stream: str
    time: str


def runs(block: bytes) -> Iterator[Run]:
    """The runs of whole records; what is no record is passed over."""
    at = 0
    while at < len(block):
        first_end = block.find(b"\n", at) + 1 or len(block)
        line = block[at:first_end]
        tail_at = line.rfind(_STREAM)
        end = first_end
        run = None
        tail = line[tail_at:]
        if tail_at > 0 and line.startswith(_HEAD) and _TIME in tail:  # not one with attributes
            end = _run_end(block, first_end, tail)
            run = _run(block[at:end], tail) if end > first_end else None
        if run is not None:
            yield run
        else:
            for one in block[at:end].splitlines(keepends=True):
                if (entry := parse(one)) is not None:
                    yield Run(entry.text.encode("utf-8", "surrogateescape"), entry.stream, entry.time)
        at = end


def _run_end(block: bytes, low: int, tail: bytes) -> int:
    """Where the lines with this tail end, of which the last known ends at ``low``: times only grow."""
    high = len(block)
    while low < high:
        middle = block.find(b"\n", (low + high) // 2) + 1 or len(block)
        if block.endswith(tail, 0, middle):
            low = middle
        elif high == middle:  # between the middle and the end there is no other line
            break
        else:
            high = middle
    while block.endswith(tail, 0, next_end := block.find(b"\n", low) + 1) and next_end > low:
        low = next_end
    return low


def _run(lines: bytes, tail: bytes) -> Run | None:
    """Lines of which all should have this tail; None where it is not so."""
    text = b"\\"
    each = lines.split(b"\n")
    last = each.pop()  # nothing
    after = b"\\n" + tail[:-1]
    if all(map(methodcaller("endswith", after), each)):  # each is a line of output, to its end
        each.append(last)
        text = b"\n".join(map(itemgetter(slice(len(_HEAD), -len(after))), each))
    if b"\\" in text:
        encoded = lines[len(_HEAD) : -len(tail)].replace(tail + _HEAD, b"")
        if b"\n" in encoded:
            return None
        text = jsonc.loads(b'"' + encoded + b'"').encode("utf-8", "surrogateescape")
    stream, _, time = tail[len(_STREAM) :].partition(_TIME)
    return Run(text, stream.decode(), time[: time.find(b'"')].decode())
