"""Reading a container's log: what is there, the last of it, and what comes.

Files are read as they lie (``log.1`` before ``log``); a follower looks again when the file has grown or was begun anew.
"""

from __future__ import annotations

import asyncio
import os

from rung.record import Record
from rung.spec.jsonfile import Entry, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from rung.engine.engine import Engine

_STREAMS = {"stdout": 1, "stderr": 2}
_CHUNK = 1 << 16
#: How often a follower looks. (inotify would tell; a container that writes is not missed for longer than this.)
LOOK_S = 0.05


class Ask(Record):
    """What of a log is wanted. ``tail`` -1: all; times in nanoseconds."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    timestamps: bool = False
    details: str = ""
    tail: int = -1
    since_ns: int | None = None
    until_ns: int | None = None


def files(path: str) -> list[str]:
    """A log's files, the oldest first."""
    older: list[str] = []
    while os.path.exists(f"{path}.{len(older) + 1}"):
        older.append(f"{path}.{len(older) + 1}")
    return [*reversed(older), *([path] if os.path.exists(path) else [])]


def lines(path: str) -> Iterator[bytes]:
    """Every whole line of a log, the oldest first."""
    for name in files(path):
        try:
            with open(name, "rb") as file:
                yield from file
        except FileNotFoundError:  # rotated meanwhile
            continue


def last_lines(path: str, count: int) -> list[bytes]:
    """The last ``count`` lines: read from the end."""
    found: list[bytes] = []
    for name in reversed(files(path)):
        if len(found) >= count:
            break
        found = [*_last_of(name, count - len(found)), *found]
    return found[-count:] if count else []


def _last_of(name: str, count: int) -> list[bytes]:
    try:
        with open(name, "rb") as file:
            at = file.seek(0, os.SEEK_END)
            data = b""
            while at and data.count(b"\n") <= count:
                size = min(_CHUNK, at)
                at -= size
                file.seek(at)
                data = file.read(size) + data
    except FileNotFoundError:
        return []
    found = data.splitlines(keepends=True)
    return (found if at == 0 else found[1:])[-count:]


def wanted(entry: Entry, ask: Ask) -> bool:
    """Whether an entry is one of those."""
    if not (ask.stdout if entry.stream == "stdout" else ask.stderr):
        return False
    if ask.since_ns is None and ask.until_ns is None:
        return True
    moment = moment_of(entry.time)
    return (ask.since_ns is None or moment >= ask.since_ns) and (ask.until_ns is None or moment <= ask.until_ns)


def moment_of(time: str) -> int:
    """RFC 3339 as nanoseconds since 1970."""
    from calendar import timegm
    from time import strptime

    whole, _, rest = time.rstrip("Z").partition(".")
    return timegm(strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000 + int((rest + "000000000")[:9])


def show(entry: Entry, ask: Ask, *, framed: bool) -> bytes:
    """An entry as a client gets it."""
    text = entry.text.encode("utf-8", "surrogateescape")
    if ask.timestamps:
        text = f"{entry.time} ".encode() + text
    if not framed:
        return text
    return bytes((_STREAMS.get(entry.stream, 1), 0, 0, 0)) + len(text).to_bytes(4, "big") + text


async def read(
    engine: Engine, container_id: str, ask: Ask | None = None, *, terminal: bool = False
) -> AsyncIterator[bytes]:
    """The log's pieces as a client gets them."""
    ask = ask or Ask()
    path = engine.places.log(container_id)
    follower = Follower(path) if ask.follow else None
    past = await engine.blocking(_past, path, ask, terminal)
    for piece in past:
        yield piece
    while follower is not None:
        over = container_id not in engine.running
        pieces = [
            show(entry, ask, framed=not terminal)
            for line in follower.more()
            if (entry := parse(line)) is not None and wanted(entry, ask)
        ]
        if pieces:
            yield b"".join(pieces)
        elif over:
            return
        else:
            await asyncio.sleep(LOOK_S)


def _past(path: str, ask: Ask, terminal: bool) -> list[bytes]:
    source = lines(path) if ask.tail < 0 or ask.since_ns is not None else iter(last_lines(path, ask.tail))
    entries = [entry for line in source if (entry := parse(line)) is not None and wanted(entry, ask)]
    chosen = entries if ask.tail < 0 else entries[len(entries) - ask.tail :] if ask.tail < len(entries) else entries
    shown = [show(entry, ask, framed=not terminal) for entry in chosen]
    return [b"".join(shown[at : at + 256]) for at in range(0, len(shown), 256)]


class Follower:
    """Whole lines that a log gets from now on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        self._inode = 0
        self._at = 0
        try:
            found = os.stat(path)
            self._inode, self._at = found.st_ino, found.st_size
        except FileNotFoundError:
            return

    def more(self) -> list[bytes]:
        """Those that have come."""
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode:
                    self._inode, self._at, self._rest = found.st_ino, 0, b""
                file.seek(self._at)
                data = self._rest + file.read()
                self._at = file.tell()
        except FileNotFoundError:
            return []
        whole, newline, self._rest = data.rpartition(b"\n")
        return (whole + newline).splitlines(keepends=True)
