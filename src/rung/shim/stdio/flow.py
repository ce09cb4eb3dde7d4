"""Bytes from one descriptor to another, on the loop.

Rule: never more than one portion is held, so that a slow reader slows the writer down (back-pressure), and an
end that nobody reads any more swallows instead of stopping the workload. Pipe to pipe the kernel moves the pages
itself (splice(2)).
"""

from __future__ import annotations

import stat
from errno import EAGAIN, EINVAL
from select import EPOLLIN, EPOLLOUT

from rung import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.loop import Loop

PORTION_BYTES = 1 << 16


class Flow:
    """Copies until ``source`` ends, then closes both and calls ``ended``. It owns its two descriptors."""

    def __init__(self, loop: Loop, source: int, sink: int, ended: Callable[[], None]) -> None:
        self._loop = loop
        self._source, self._sink = source, sink
        self._ended = ended
        self._held = b""
        self._splices = stat.S_ISFIFO(posix.fstat(source).st_mode) and stat.S_ISFIFO(posix.fstat(sink).st_mode)
        for fd in (source, sink):
            posix.set_blocking(fd, False)
        loop.watch(source, EPOLLIN, self._readable)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._source < 0

    def _readable(self, _events: int) -> None:
        if self._splices:
            self._splice()
        else:
            self._copy()

    def _splice(self) -> None:
        try:
            moved = posix.splice(self._source, self._sink, PORTION_BYTES, flags=posix.SPLICE_F_MOVE | _NONBLOCK)
        except BlockingIOError:
            self._wait_for_room()
            return
        except OSError as error:
            if error.errno == EINVAL:
                self._splices = False
                return
            self._swallow()
            return
        if not moved:
            self.close()

    def _copy(self) -> None:
        try:
            data = posix.read(self._source, PORTION_BYTES)
        except BlockingIOError:
            return
        except OSError:  # EIO: the last process has closed the terminal
            data = b""
        if not data:
            self.close()
            return
        self._held = data
        self._write()

    def _write(self) -> None:
        while self._held:
            try:
                self._held = self._held[posix.write(self._sink, self._held) :]
            except OSError as error:
                if error.errno == EAGAIN:
                    self._wait_for_room()
                    return
                self._held = b""
                self._swallow()
                return

    def _wait_for_room(self) -> None:
        """The sink is full: look at it and not at the source, until it is not."""
        self._loop.forget(self._source)
        self._loop.watch(self._sink, EPOLLOUT, self._has_room)

    def _has_room(self, _events: int) -> None:
        self._loop.forget(self._sink)
        self._loop.watch(self._source, EPOLLIN, self._readable)
        self._write()

    def _swallow(self) -> None:
        """Nobody reads there any more; the workload goes on."""
        self._splices = False
        sink, self._sink = self._sink, posix.open("/dev/null", posix.O_WRONLY | posix.O_CLOEXEC)
        posix.close(sink)

    def close(self) -> None:
        """End it now."""
        if self.over:
            return
        for fd in (self._source, self._sink):
            self._loop.forget(fd)
            posix.close(fd)
        self._source = self._sink = -1
        self._ended()

    def drain(self) -> None:
        """What is in the source already still comes, then it ends: for an end that will not be shown."""
        if self.over:
            return
        while not self.over and not self._loop.watched(self._sink) and _has_input(self._source):
            self._readable(EPOLLIN)
        if not self.over and not self._loop.watched(self._sink):
            self.close()


_NONBLOCK = 2  # SPLICE_F_NONBLOCK


def _has_input(fd: int) -> bool:
    from select import POLLIN, poll

    waiter = poll()
    waiter.register(fd, POLLIN)
    return bool(waiter.poll(0))


