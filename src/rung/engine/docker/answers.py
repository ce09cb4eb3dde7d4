"""What a handler gives back, and the one table from errors to statuses.

Docker's clients look at the status and show ``message``.
"""

from __future__ import annotations

from rung import jsonc
from rung.engine import errors
from rung.errors import RungError
from rung.image import ImageInUse, ImageNotFound
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Any

    from rung.engine.docker.server import Link

#: error -> status; the first that fits.
STATUSES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.BadParameter, 400),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.NotModified, 304),
    (errors.NotAllowed, 403),
    (errors.Unavailable, 503),
    (errors.SwitchedOff, 501),
    (ImageNotFound, 404),
    (ImageInUse, 409),
)
#: What lower rungs say of a request, by its first words: they know no statuses.
WORDS = (
    ("invalid reference format", 400),
    ("invalid filter '", 400),
    ("resources.json: ", 400),  # limits that are none, and those that the kernel refuses
    ("set linux.resources.", 400),
)


class Answer(Record):
    """A whole answer."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    #: Without what the daemon says of itself.
    bare: bool = False


class Streamed(Record):
    """An answer in pieces, as they come; they have ``aclose``, as generators do. ``length``: of all, where known."""

    pieces: AsyncIterator[bytes]
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


class Hijacked(Record):
    """The connection becomes a stream of the container's: ``take`` gets it, with what the client sent ahead."""

    take: Callable[[Link, bytes], Awaitable[None]]
    kind: str = "application/vnd.docker.raw-stream"
    #: Whether the head has what the daemon says of itself, too.
    said: bool = False
    #: The head, where it is another protocol's.
    lines: tuple[str, ...] = ()


def document(value: Any, status: int = 200) -> Answer:
    """JSON. Docker ends it with a newline."""
    return Answer(status, jsonc.dumps(value, compact=True).encode() + b"\n")


def empty(status: int = 204) -> Answer:
    """Nothing to say."""
    return Answer(status)


def refused(error: BaseException) -> Answer:
    """An error as Docker answers it."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 0)
    status = status or next((status for words, status in WORDS if str(error).startswith(words)), 500)
    if status == 304:
        return Answer(304)
    said = str(error) if isinstance(error, RungError) else f"{type(error).__name__}: {error}"
    said = said.replace("\\u000a", "\n")  # several mistakes, a line each; in JSON a newline harms nobody
    return document({"message": said}, status)
