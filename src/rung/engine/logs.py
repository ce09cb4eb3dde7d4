"""Reading a container's log: what is there, the last of it, and what comes.

Files are read as they lie (``log.1`` before ``log``); a follower looks again when the file has grown or was begun anew.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from contextlib import aclosing
from io import BytesIO
from itertools import islice
from typing import cast

from rung.record import Record
from rung.spec.jsonfile import COMPRESSED, Entry, Run, parse, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
    from typing import BinaryIO

    from rung.engine.engine import Engine

_STREAMS = {"stdout": 1, "stderr": 2}
_CHUNK = 1 << 16
#: What is read of a file at once: memory of this size is used again, where more would be the kernel's each time.
_BLOCK = 1 << 17
#: So many blocks are made ready in one go, and as many again while these go out: a log is of any size, memory is not.
_IN_ONE_GO = 2
#: So many lines that came at once are one frame to a client. (Fewer are a frame each, as Docker has it: there are
#: programs that take a frame for a line, and none that does so with thousands.)
_JOINED = 64
#: Where that is looked for first: to count all lines takes as long as to cut them.
_NEAR = 1 << 14
#: How often a follower looks. (inotify would tell; a container that writes is not missed for longer than this.)
LOOK_S = 0.05
#: Lines are in the log this soon after their time: a follower with an end looks for as long after it.
_LATE_NS = 100_000_000
#: How much of a file to read whose size is not known.
_ALL = 1 << 62


class Ask(Record):
    """What of a log is wanted. ``tail`` -1: all; times in nanoseconds."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    timestamps: bool = False
    details: bool = False
    tail: int = -1
    since_ns: int | None = None
    until_ns: int | None = None


def files(path: str) -> list[str]:
    """A log's files, the oldest first; those that are compressed by the names that they had before."""
    older: list[str] = []
    while any(os.path.exists(f"{path}.{len(older) + 1}{end}") for end in ("", COMPRESSED)):
        older.append(f"{path}.{len(older) + 1}")
    return [*reversed(older), *([path] if os.path.exists(path) else [])]


def _until(path: str, follower: Follower | None) -> list[tuple[str, int]]:
    """A log's files and how much of each to read: with a follower what was there before it, which tells the rest."""
    found: list[tuple[str, int]] = []
    for name in files(path):
        try:
            status = os.stat(name)
        except FileNotFoundError:  # compressed: its size is seen when it is read; or rotated meanwhile
            found.append((name, _ALL))
            continue
        if follower is not None and (status.st_dev, status.st_ino) == follower.file_id:
            return [*found, (name, follower.began_at)]
        found.append((name, status.st_size))
    return found if follower is None or follower.file_id is not None else []


def _opened(name: str) -> BinaryIO:
    """One of ``files``. A compressed one is unpacked into a file without a name. Raises ``FileNotFoundError``."""
    try:
        return open(name, "rb")
    except FileNotFoundError:
        import gzip
        import shutil
        from tempfile import TemporaryFile

        with gzip.open(f"{name}{COMPRESSED}", "rb") as packed:
            plain = TemporaryFile()
            shutil.copyfileobj(packed, plain, _BLOCK)
        plain.seek(0)
        return cast("BinaryIO", plain)


def lines(path: str, follower: Follower | None = None) -> Iterator[bytes]:
    """Every whole line of a log, the oldest first; those before ``follower`` began."""
    for name, left in _until(path, follower):
        try:
            with _opened(name) as file:
                for line in file:
                    left -= len(line)
                    if left < 0:
                        break
                    yield line
        except FileNotFoundError:  # rotated meanwhile
            continue


def blocks(path: str, follower: Follower | None = None) -> Iterator[bytes]:
    """The same, many lines at a time."""
    for name, left in _until(path, follower):
        try:
            with _opened(name) as file:
                rest = b""
                while left and (data := file.read(min(left, _BLOCK))):
                    left -= len(data)
                    end = data.rfind(b"\n") + 1
                    if end:
                        yield b"".join((rest, memoryview(data)[:end]))
                        rest = data[end:]
                    else:
                        rest += data
        except FileNotFoundError:  # rotated meanwhile
            continue


def last_lines(path: str, count: int, follower: Follower | None = None) -> list[bytes]:
    """The last ``count`` of them: read from the end."""
    found: list[bytes] = []
    for name, size in reversed(_until(path, follower)):
        if len(found) >= count:
            break
        found = [*_last_of(name, size, count - len(found)), *found]
    return found[-count:] if count else []


def _last_of(name: str, at: int, count: int) -> list[bytes]:
    try:
        with _opened(name) as file:
            at, data = min(at, file.seek(0, os.SEEK_END)), b""
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
    if ask.details:
        text = _details(entry.attributes).encode() + b" " + text
    if ask.timestamps:
        text = f"{entry.time} ".encode() + text
    if not framed:
        return text
    return bytes((_STREAMS.get(entry.stream, 1), 0, 0, 0)) + len(text).to_bytes(4, "big") + text


def show_block(block: bytes, ask: Ask, *, framed: bool) -> bytes:
    """Whole lines of a log as a client gets them."""
    if ask.timestamps or ask.details or ask.since_ns is not None or ask.until_ns is not None:
        entries = (parse(line) for line in block.splitlines())
        return b"".join(show(one, ask, framed=framed) for one in entries if one is not None and wanted(one, ask))
    shown: list[bytes] = []
    for run in runs(block):
        if ask.stdout if run.stream == "stdout" else ask.stderr:
            shown += _frames(run) if framed else [run.text]
    return b"".join(shown)


def _frames(run: Run) -> list[bytes]:
    joined = run.text.count(b"\n", 0, _NEAR) > _JOINED or run.text.count(b"\n") > _JOINED
    head = bytes((_STREAMS.get(run.stream, 1), 0, 0, 0))
    texts = [run.text] if joined else list(BytesIO(run.text))  # not at a carriage return
    return [part for text in texts for part in (head, len(text).to_bytes(4, "big"), text)]


def _details(attributes: Mapping[str, str]) -> str:
    """``a=b,c=d``, quoted as in a query."""
    from urllib.parse import quote_plus

    return ",".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(attributes.items()))


async def read(
    engine: Engine, container_id: str, ask: Ask | None = None, *, terminal: bool = False
) -> AsyncIterator[bytes]:
    """The log's pieces as a client gets them."""
    ask = ask or Ask()
    path = engine.places.log(container_id)
    follower = Follower(path) if ask.follow else None
    try:
        async with aclosing(_read_ahead(engine, container_id, _past(path, ask, follower, framed=not terminal))) as past:
            async for piece in past:
                yield piece
        if follower is not None:
            async for piece in _coming(engine, container_id, follower, ask, framed=not terminal):
                yield piece
    finally:
        if follower is not None:
            follower.close()


async def _read_ahead(engine: Engine, container_id: str, pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """Pieces that are made aside: the next ones while a client takes those that are there."""
    subject = f"readers of the log of container {container_id[:12]}"
    making = engine.threads.start(subject, _some, pieces)
    try:
        over = False
        while not over:
            made, over = await making
            if not over:
                making = engine.threads.start(subject, _some, pieces)
            for piece in made:
                yield piece
    finally:
        making.cancel()


def _some(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """The next of them, and whether they are the last."""
    made = list(islice(pieces, _IN_ONE_GO))
    return made, len(made) < _IN_ONE_GO


async def _coming(
    engine: Engine, container_id: str, follower: Follower, ask: Ask, *, framed: bool
) -> AsyncIterator[bytes]:
    from time import time_ns

    subject = f"readers of the log of container {container_id[:12]}"
    end_ns = None if ask.until_ns is None else ask.until_ns + _LATE_NS
    while True:
        # dockerd ends at the first line that is later; here a container that says no more holds nobody up either.
        passed = end_ns is not None and time_ns() >= end_ns
        over = container_id not in engine.running
        come = await engine.threads.apart(subject, follower.more) if follower.may_have_more() else b""
        if come:
            yield show_block(come, ask, framed=framed)
        if passed or (over and not come):
            return
        if not come:
            await asyncio.sleep(LOOK_S)


def _past(path: str, ask: Ask, follower: Follower | None, *, framed: bool) -> Iterator[bytes]:
    """What there is, piece by piece."""
    if ask.tail < 0:
        for block in blocks(path, follower):
            yield show_block(block, ask, framed=framed)
    elif ask.since_ns is None:
        yield show_block(b"".join(last_lines(path, ask.tail, follower)), ask, framed=framed)
    else:  # the last of those that are wanted
        kept: deque[Entry] = deque(maxlen=ask.tail)
        for line in lines(path, follower):
            if (entry := parse(line)) is not None and wanted(entry, ask):
                kept.append(entry)
        yield b"".join(show(entry, ask, framed=framed) for entry in kept)


def _last_end(file: BinaryIO) -> int:
    """Where a file's last whole line ends: it may be looked at while one is being written."""
    size = file.seek(0, os.SEEK_END)
    at = file.seek(max(0, size - _CHUNK))
    return at + file.read(size - at).rfind(b"\n") + 1


class Follower:
    """Whole lines that a log gets from now on. The file is held open: what was written to it before it was begun anew
    still comes. ``close`` it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        self._file = self._open()
        self._next: BinaryIO | None = None
        self._looked_at = (0, 0, -1)
        self._more_left = True
        #: Where it began: the file (none was there), and how much of it was.
        self.file_id: tuple[int, int] | None = None
        self.began_at = 0
        if self._file is not None:
            status = os.fstat(self._file.fileno())
            self.file_id = status.st_dev, status.st_ino
            self.began_at = _last_end(self._file)
            self._file.seek(self.began_at)

    def _open(self) -> BinaryIO | None:
        try:
            return open(self._path, "rb")
        except FileNotFoundError:
            return None

    def may_have_more(self) -> bool:
        """Whether it is worth reading: the file has changed since the last time, or there was more than a block."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return self._more_left
        before, self._looked_at = self._looked_at, (status.st_dev, status.st_ino, status.st_size)
        return self._more_left or before != self._looked_at

    def more(self) -> bytes:
        """Those that have come, about a block at most: a client that has stalled gets the rest when it reads."""
        data = self._rest
        while True:
            come = self._file.read(_BLOCK) if self._file is not None else b""
            data += come
            whole, newline, rest = data.rpartition(b"\n")
            if newline:
                self._rest, self._more_left = rest, True
                return whole + newline
            if come:
                continue  # a line that is longer than a block
            if self._next is not None:
                if self._file is not None:
                    self._file.close()
                self._file, self._next = self._next, None
                continue
            self._next = self._newer()  # what is written to the older one before it is renamed comes first
            if self._next is None:
                self._rest, self._more_left = data, False
                return b""

    def _newer(self) -> BinaryIO | None:
        """The file that has the name now, if it is another one."""
        found = self._open()
        if found is None or self._file is None:
            return found
        if os.path.samestat(os.fstat(found.fileno()), os.fstat(self._file.fileno())):
            found.close()
            return None
        return found

    def close(self) -> None:
        """Look no more."""
        for file in (self._file, self._next):
            if file is not None:
                file.close()
