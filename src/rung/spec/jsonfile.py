"""Docker's json-file log: a JSON object a line, ``{"log":"text\\n","stream":"stdout","time":"RFC 3339"}``.

A line of output is a record; one longer than 16 KiB is several, of which only the last ends in a newline. Pure: no I/O.
"""

from __future__ import annotations

from time import gmtime, strftime

from rung import jsonc
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    encode_basestring: Callable[[str], str]
else:
    from _json import encode_basestring

#: docker/logger/copier.go's bufSize: what one record holds at most.
LONGEST = 16 << 10


class Entry(Record):
    """One record. ``time``: RFC 3339 with nanoseconds, UTC."""

    text: str
    stream: str
    time: str


class Lines:
    """Bytes of one stream as they come, records as they are whole."""

    def __init__(self, stream: str) -> None:
        self._after = f',"stream":"{stream}","time":"'
        self._rest = b""

    def feed(self, data: bytes, moment_ns: int) -> bytes:
        """The log's bytes for the lines that ``data`` completes; all have the one time."""
        whole = self._rest + data if self._rest else data
        end = whole.rfind(b"\n") + 1
        self._rest = whole[end:]
        lines = whole[:end].decode("utf-8", "replace").split("\n")[:-1]
        time = timestamp(moment_ns)
        tail = f'{self._after}{time}"}}\n'
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
        return Entry(found["log"], found["stream"], found["time"])
    except (ValueError, KeyError, TypeError):
        return None
