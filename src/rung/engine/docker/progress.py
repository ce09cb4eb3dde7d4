"""Long work whose progress is the answer: JSON lines as Docker's clients draw them.

The work runs in a thread of its own. What fails before it has said anything is an error with a status; what fails later
is said in the stream, because the status has gone out by then. A client that does not read holds nothing up: of each
thing's progress the newest line waits for it, and a client that hangs up ends the work.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager

from rung import jsonc
from rung.engine.docker.answers import Streamed
from rung.errors import RungError
from rung.image import Cancellation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

    from rung.engine.engine import Engine
    from rung.image import Event

_BAR = 50
#: What is read of a pipe at once; a client that stalls has four times this in the engine's memory at most.
_PIECE_BYTES = 1 << 16


async def follow(
    engine: Engine, subject: str, work: Callable[[Any, Cancellation], str], *, stream: bool = False
) -> Streamed:
    """``work`` gets a progress function, and what tells it to end; it returns last words, a line each, with ``stream``
    as such entries, and whatever goes wrong is said in the stream. ``subject``: as ``Threads.apart`` has it."""
    progress = Progress(asyncio.get_running_loop())
    cancellation = Cancellation()

    def run() -> None:
        try:
            for line in filter(None, work(lambda event: progress.say(entry_of(event)), cancellation).split("\n")):
                progress.say({"stream": f"{line}\n"} if stream else {"status": line})
        finally:
            progress.end()

    pieces = _Entries(progress, engine.threads.start(subject, run), cancellation)
    if not stream:
        await pieces.begin()
    return Streamed(pieces)


@contextmanager
def cancelling() -> Iterator[Cancellation]:
    """Ends work in a thread when whoever waits for it is cancelled: its client has gone."""
    cancellation = Cancellation()
    try:
        yield cancellation
    except asyncio.CancelledError:
        cancellation.cancel()
        raise


class Progress:
    """Entries from a thread to the loop. Of one thing's entries of one kind only the newest waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[object, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        self._over = False

    def say(self, entry: dict[str, Any]) -> None:
        """One more entry. From any thread."""
        self._loop.call_soon_threadsafe(self._take, entry)

    def _take(self, entry: dict[str, Any]) -> None:
        key = (entry["id"], entry["status"]) if "progress" in entry else object()
        self._waiting[key] = entry
        self._changed.set()

    def end(self) -> None:
        """There will be no more. From any thread."""
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._over = True
        self._changed.set()

    async def next(self) -> dict[str, Any] | None:
        """The oldest entry that waits; None at the end."""
        while not self._waiting:
            if self._over:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.pop(next(iter(self._waiting)))


class _Entries:
    """An answer's pieces. Closing it before its end cancels the work."""

    def __init__(self, progress: Progress, work: asyncio.Future[None], cancellation: Cancellation) -> None:
        self._progress, self._work, self._cancellation = progress, work, cancellation
        self._first: dict[str, Any] | None = None
        self._over = False

    async def begin(self) -> None:
        """Until there is an entry, or the end. Raises what went wrong before."""
        try:
            self._first = await self._progress.next()
            if self._first is None:
                self._over = True
                await asyncio.shield(self._work)
        except asyncio.CancelledError:
            await self.aclose()
            raise

    def __aiter__(self) -> _Entries:
        return self

    async def __anext__(self) -> bytes:
        entry, self._first = self._first or (None if self._over else await self._progress.next()), None
        if entry is not None:
            return _line(entry)
        if self._over:
            raise StopAsyncIteration
        self._over = True
        try:
            await asyncio.shield(self._work)
        except (RungError, OSError) as error:
            said = str(error)
            return _line({"errorDetail": {"message": said}, "error": said})
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Nobody reads any more."""
        self._cancellation.cancel()
        self._work.add_done_callback(lambda work: work.cancelled() or work.exception())


def _line(entry: dict[str, Any]) -> bytes:
    return jsonc.dumps(entry, compact=True).encode() + b"\r\n"


def answered(progress: Callable[[Event], None]) -> Callable[[Event], None]:
    """``progress`` without its first word until there is a second one: that a pull has begun is told when the registry
    has answered, and one that is out of reach is an error with a status."""
    first: list[Event] = []

    def say(event: Event) -> None:
        if not first:
            first.append(event)
            return
        if len(first) == 1:
            first.append(event)
            progress(first[0])
        progress(event)

    return say


def entry_of(event: Event) -> dict[str, Any]:
    """One line of progress."""
    if event.id:
        found: dict[str, Any] = {"status": event.text, "progressDetail": {}, "id": event.id}
        if event.total:
            found["progressDetail"] = {"current": event.done, "total": event.total}
            found["progress"] = bar(event.done, event.total)
        return found
    name, colon, rest = event.text.partition(": ")
    if colon and rest.startswith("Pulling from "):
        return {"status": rest, "id": name}
    return {"status": event.text}


def bar(done: int, total: int) -> str:
    """``[=====>    ]  1.2MB/3.4MB``."""
    filled = min(_BAR, done * _BAR // max(total, 1))
    drawn = "=" * filled + (">" if filled < _BAR else "") + " " * (_BAR - filled - (1 if filled < _BAR else 0))
    return f"[{drawn}]  {human(done)}/{human(total)}"


def human(size: float) -> str:
    """Bytes in thousands, as Docker writes them."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.4g}{unit}"
        size /= 1000
    raise AssertionError


class Piped:
    """What ``work`` writes to a file, while it does: through a pipe, so that a slow reader slows it down, and one that
    has gone ends it. ``subject``: as ``Threads.apart`` has it. Raises ``Unavailable``."""

    def __init__(self, engine: Engine, subject: str, work: Callable[[BinaryIO], None]) -> None:
        reader, writer = os.pipe()
        self._reader = open(reader, "rb", buffering=0)
        self._stream: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None
        try:
            self._work = engine.threads.start(subject, _write, work, writer)
        except BaseException:
            self._reader.close()
            os.close(writer)
            raise

    def __aiter__(self) -> Piped:
        return self

    async def __anext__(self) -> bytes:
        if self._stream is None:
            stream = self._stream = asyncio.StreamReader(limit=_PIECE_BYTES)
            connect = asyncio.get_running_loop().connect_read_pipe
            self._transport, _ = await connect(lambda: asyncio.StreamReaderProtocol(stream), self._reader)
        piece = await self._stream.read(_PIECE_BYTES)
        if not piece:
            await asyncio.shield(self._work)
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Nobody reads any more."""
        if self._transport is not None:
            self._transport.close()
        else:
            self._reader.close()
        self._work.add_done_callback(lambda work: work.cancelled() or work.exception())


def _write(work: Callable[[BinaryIO], None], writer: int) -> None:
    try:
        with open(writer, "wb") as file:
            work(file)
    except BrokenPipeError:
        return  # who read it has gone
