"""Long work whose progress is the answer: JSON lines as Docker's clients draw them.

The work runs in a thread. What fails before it has said anything is an error with a status; what fails later is said
in the stream, because the status has gone out by then.
"""

from __future__ import annotations

import asyncio
import os

from rung import jsonc
from rung.engine.docker.answers import Streamed
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any, BinaryIO

    from rung.engine.engine import Engine
    from rung.image import Event

_BAR = 50


async def follow(engine: Engine, work: Callable[[Any], str], *, stream: bool = False) -> Streamed:
    """``work`` gets a progress function and returns last words, a line each; with ``stream`` as such entries, and
    whatever goes wrong is said in the stream."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def say(entry: dict[str, Any] | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, entry)

    def run() -> None:
        try:
            for line in filter(None, work(lambda event: say(entry_of(event))).split("\n")):
                say({"stream": f"{line}\n"} if stream else {"status": line})
        finally:
            say(None)

    task = loop.run_in_executor(None, run)
    first = {"status": ""} if stream else await queue.get()
    if first is None:
        await task  # raises what went wrong
    return Streamed(_entries(first, queue, task))


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


async def _entries(
    first: dict[str, Any] | None, queue: asyncio.Queue[dict[str, Any] | None], task: asyncio.Future[None]
) -> AsyncIterator[bytes]:
    entry = first
    while entry is not None:
        if entry != {"status": ""}:
            yield jsonc.dumps(entry, compact=True).encode() + b"\r\n"
        entry = await queue.get()
    try:
        await task
    except (RungError, OSError) as error:
        said = str(error)
        yield jsonc.dumps({"errorDetail": {"message": said}, "error": said}, compact=True).encode() + b"\r\n"


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


async def piped(engine: Engine, work: Callable[[BinaryIO], None]) -> AsyncIterator[bytes]:
    """What ``work`` writes to a file, while it does: through a pipe, so that a slow reader slows it down."""
    loop = asyncio.get_running_loop()
    reader_fd, writer_fd = os.pipe()

    def write() -> None:
        try:
            with open(writer_fd, "wb") as file:
                work(file)
        except BrokenPipeError:
            return  # who read it has gone

    task = loop.run_in_executor(None, write)
    stream = asyncio.StreamReader(limit=1 << 18)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), open(reader_fd, "rb"))
    try:
        while piece := await stream.read(1 << 18):
            yield piece
        await task
    finally:
        transport.close()
