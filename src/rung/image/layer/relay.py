"""A blob's bytes, from the thread that fetches it to the one that unpacks it meanwhile.

Rule: what passes here is not verified yet, so whoever reads keeps what comes of it out
of sight until the fetch has ended well. The reader gets the blob's bytes from the first to the last,
or ``NotPassed`` where that cannot be (a registry began again from nothing; another
process has fetched the blob): then the blob is to be read from the store. The hand-over
is bounded: a fetch that is faster than unpacking waits.
"""

from __future__ import annotations

import threading
from collections import deque

from rung.image.errors import ContentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes that may wait to be unpacked, for each layer that is being brought in.
LIMIT_BYTES = 4 << 20
#: The same of what has been decompressed ahead.
_AHEAD_BYTES = 2 << 20
_CHUNK = 1 << 18


class NotPassed(ContentError):
    """The bytes did not come this way, or not all of them in order."""

    def __init__(self) -> None:
        super().__init__("blob", "", "did not arrive in one piece")


class Relay:
    """``write``, ``restart`` and ``finish`` are the fetching side's, ``read`` and ``abandon`` the other's."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._passed = 0  # bytes, ever
        self._broken = self._finished = self._abandoned = False
        self._changed = threading.Condition()

    # --- the fetching side -------------------------------------------------------------

    def write(self, data: bytes | memoryview) -> None:
        """The blob's next bytes; waits while too many wait already."""
        chunk = bytes(data)  # the same object where it is bytes; a buffer is used again
        with self._changed:
            while self._held >= self._limit and not (self._abandoned or self._broken):
                self._changed.wait()
            if self._abandoned or self._broken or not chunk:
                return
            self._chunks.append(chunk)
            self._held += len(chunk)
            self._passed += len(chunk)
            self._changed.notify_all()

    def restart(self) -> None:
        """The blob begins again from its first byte."""
        with self._changed:
            self._broken = self._broken or self._passed > 0
            self._changed.notify_all()

    @property
    def abandoned(self) -> bool:
        """Whether nobody reads any more."""
        return self._abandoned

    def finish(self, *, may_be_empty: bool = False) -> None:
        """No more bytes come, for whatever reason."""
        with self._changed:
            self._broken = self._broken or not (self._passed or may_be_empty)
            self._finished = True
            self._changed.notify_all()

    # --- the unpacking side ------------------------------------------------------------

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; empty when the fetch has ended."""
        with self._changed:
            while not self._chunks and not (self._finished or self._broken):
                self._changed.wait()
            if self._broken:
                raise NotPassed
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if len(chunk) > size:
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._held -= len(chunk)
            self._changed.notify_all()
            return chunk

    def abandon(self) -> None:
        """Nobody reads any more: the fetch goes on alone."""
        with self._changed:
            self._abandoned = True
            self._chunks.clear()
            self._changed.notify_all()


class Ahead:
    """What ``read`` gives, read in a thread of its own: where it decompresses, that goes on while what has come
    of it is hashed and written. A context: leaving it ends the thread."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._source = read
        self._relay = Relay(_AHEAD_BYTES)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="decompress", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._relay.abandoned and (chunk := self._source(_CHUNK)):
                self._relay.write(chunk)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the reader's
            self._error = error
        finally:
            self._relay.finish(may_be_empty=True)

    def read(self, size: int) -> bytes:
        """The next bytes; the thread's error when all that came before it has been read."""
        chunk = self._relay.read(size)
        if not chunk and self._error is not None:
            raise self._error
        return chunk

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._relay.abandon()
        self._thread.join()
