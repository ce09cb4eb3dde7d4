# Made by tools/unasync.py from the file of the same name in aio/.
"""Answers that go on: bytes, a container's output by stream, documents. Each is iterated over, or closed before its
end; ``with`` does so."""

from __future__ import annotations

from rung.client.blocking.api import Answer
from rung.client.documents import Documents
from rung.client.frames import STDERR, STDOUT, Frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

#: What Docker calls a connection whose bytes are a terminal's.
_RAW = "application/vnd.docker.raw-stream"


class _Stream:
    """What they have in common."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def close(self) -> None:
        """Let go of it; the rest is not wanted."""
        self._answer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Pieces(_Stream):
    """Bytes as they come: an archive."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece = self._answer.read()
        if not piece:
            raise StopIteration
        return piece

    def read(self, limit: int | None = None) -> bytes:
        """All of them, or the first up to about ``limit``."""
        return self._answer.whole(limit=limit)


class Output(_Stream):
    """A container's output, and its input: pairs of stream (1 stdout, 2 stderr) and bytes."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._frames = None if answer.head.get("content-type") == _RAW else Frames()
        self._ready: list[tuple[int, bytes]] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[int, bytes]:
        found = self.receive()
        if found is None:
            raise StopIteration
        return found

    def receive(self, deadline: float | None = None) -> tuple[int, bytes] | None:
        """The next piece, None at the end. Raises ``TimeoutError`` at ``deadline`` (``time.monotonic``)."""
        while not self._ready:
            data = self._answer.read(deadline)
            if not data:
                return None
            self._ready = self._frames.receive(data) if self._frames is not None else [(STDOUT, data)]
        return self._ready.pop(0)

    def send(self, data: bytes) -> None:
        """To its standard input. Raises ``ConnectionError`` where that is closed."""
        self._answer.send(data)

    def feed(self, data: bytes) -> None:
        """All of its standard input, which goes there while its output is received."""
        self._answer.feed(data)

    def end_input(self) -> None:
        """Its standard input ends; its output is still received."""
        self._answer.end()

    def collect(self, into: Collected, deadline: float | None = None) -> None:
        """All of the rest. Raises ``TimeoutError`` at ``deadline``; what came until then is there."""
        while (found := self.receive(deadline)) is not None:
            into.take(*found)


class Text(_Stream):
    """A container's output as one stream of bytes: its log as it is written."""

    def __init__(self, output: Output) -> None:
        super().__init__(output._answer)
        self._output = output

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        found = self._output.receive()
        if found is None:
            raise StopIteration
        return found[1]


class Watch(_Stream):
    """JSON documents as they come: events, statistics."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._documents = Documents()
        self._ready: list[Any] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        while not self._ready:
            data = self._answer.read()
            self._ready = self._documents.receive(data)
            if not data and not self._ready:
                raise StopIteration
        return self._ready.pop(0)


class Collected:
    """Output that is kept, up to ``limit`` bytes of each stream."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._kept = {STDOUT: bytearray(), STDERR: bytearray()}
        self.all = bytearray()
        self.truncated = False

    def take(self, stream: int, data: bytes) -> None:
        """One piece more."""
        kept = self._kept[STDERR if stream == STDERR else STDOUT]
        if self._limit is None:
            self.all += data
        elif len(kept) + len(data) > self._limit:
            self.truncated = True
            data = data[: self._limit - len(kept)]
        kept += data

    @property
    def stdout(self) -> bytes:
        return bytes(self._kept[STDOUT])

    @property
    def stderr(self) -> bytes:
        return bytes(self._kept[STDERR])
