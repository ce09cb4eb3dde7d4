"""A long file that is written from front to end: room is made ahead, and what has come is on its way to the disk.

Rule: both only save time (a file whose place is known costs the kernel less for each page, and the ``fsync`` in the end
finds little left); a file system that can do neither writes as it always does.
"""

from __future__ import annotations

import os

from rung.kernel.sync import reserve, start_writing

#: So much is sent to the disk at a time, while the rest is still coming.
_WRITE_OUT = 8 << 20
#: Room is made for so much at a time, of files that turn out to be no small ones.
_ROOM, _SMALL = 16 << 20, 1 << 20


class Stream:
    """The file open at ``fd``, of which ``written`` bytes are there; ``size_bytes`` in all, where that is known."""

    def __init__(self, fd: int, size_bytes: int | None = None, written: int = 0) -> None:
        self._fd = fd
        self._size = size_bytes
        self.written = written
        self._sent = 0
        self._room = 0

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes, all of them. Raises ``OSError``."""
        end = self.written + len(data)
        if end > self._room and end >= _SMALL:
            self._make_room()
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self.written = end
        if end - self._sent >= _WRITE_OUT:
            start_writing(self._fd, self._sent, end - self._sent)
            self._sent = end

    def _make_room(self) -> None:
        start = max(self._room, self.written)
        end = start + _ROOM if self._size is None else min(start + _ROOM, self._size)
        if end > start:
            reserve(self._fd, start, end - start)
        self._room = max(start + _ROOM, end)  # asked for once, whatever came of it

    def finish(self) -> None:
        """Give back the room that was not needed."""
        if self._room > self.written:
            os.ftruncate(self._fd, self.written)
