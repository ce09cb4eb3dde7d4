"""The pool: workers on one listening socket, one of them always idle, gone when nothing comes.

Two pipes count without a lock. A byte in ``_idle`` is a worker that waits for a connection: whoever takes one
takes its own byte out, and where none is left it forks the next worker before it goes to work. A byte in
``_places`` is a worker that there may still be. Where there may be none, what comes is sent away to
start Python itself, so that a command is never left waiting behind another.
"""

from __future__ import annotations

import fcntl
import gc
import sys
from _socket import AF_UNIX, SHUT_RDWR, SO_RCVTIMEO, SOCK_CLOEXEC, SOCK_SEQPACKET, SOL_SOCKET, socket
from errno import EAGAIN, EINVAL
from struct import pack
from termios import FIONREAD

from rung import posix
from rung.runtime.warm.worker import Bug, Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_S = 180.0
WORKERS_MAX = 64
IDLE_MAX = 2


class Count:
    """A number that forked processes share: the bytes in a pipe."""

    def __init__(self, start: int = 0) -> None:
        self._reader, self._writer = posix.pipe2(posix.O_NONBLOCK | posix.O_CLOEXEC)
        posix.write(self._writer, b"." * start)

    def up(self) -> None:
        """One more."""
        posix.write(self._writer, b".")

    def down(self) -> bool:
        """One less, if there is one."""
        try:
            return posix.read(self._reader, 1) == b"."
        except BlockingIOError:
            return False

    def value(self) -> int:
        """How many."""
        buffer = bytearray(4)
        fcntl.ioctl(self._reader, FIONREAD, buffer)
        return int.from_bytes(buffer, sys.byteorder)


class Server:
    """``fresh()`` tells whether the sources are still what was imported."""

    def __init__(self, path: str, fresh: Callable[[], bool], idle_s: float = IDLE_S) -> None:
        self._path = path
        self._fresh = fresh
        self._idle = Count()
        self._places = Count(WORKERS_MAX)
        self._listening = listen(path, idle_s)
        self._inode = posix.stat(path).st_ino

    def run(self) -> None:
        """Be the first worker. Returns in every worker, when its time has come."""
        self._places.down()
        gc.collect()
        gc.freeze()  # what is imported stays, and stays shared with the forks
        worker = Worker()
        while (connection := self._accept()) is not None:
            fresh = self._fresh()
            crowded = not self._idle.value()
            if crowded and fresh and self._places.down():
                crowded = False
                if posix.fork() == 0:
                    connection.close()
                    worker = Worker()
                    continue
            try:
                worker.serve(connection, turn_away=crowded or not fresh)
            except Bug:
                break
            finally:
                connection.close()
            reap()
            if not fresh:
                self._listening.shutdown(SHUT_RDWR)  # wakes the others, who would wait where nobody asks any more
            if not fresh or self._idle.value() >= IDLE_MAX:
                break
        self._leave()

    def _accept(self) -> socket | None:
        """The next connection; None when none came for long, or none will come."""
        self._idle.up()
        try:
            fd, _ = self._listening._accept()  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno not in (EAGAIN, EINVAL):  # the time is over; it was shut down
                raise
            return None
        finally:
            self._idle.down()
        return socket(AF_UNIX, SOCK_SEQPACKET, 0, fd)

    def _leave(self) -> None:
        """The last one takes the socket away, if it is still this server's."""
        self._places.up()
        try:
            if self._places.value() == WORKERS_MAX and posix.stat(self._path).st_ino == self._inode:
                posix.unlink(self._path)
        except FileNotFoundError:
            return


def listen(path: str, idle_s: float) -> socket:
    """A socket at ``path``, in the place of one that a dead server has left; for its owner only.

    Waiting for a connection ends after ``idle_s`` with ``BlockingIOError``. (``accept`` and not ``poll``:
    of several that wait in it the kernel wakes one.)"""
    found = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    fresh = f"{path}.{posix.getpid()}"
    before = posix.umask(0o177)
    try:
        found.bind(fresh)
    finally:
        posix.umask(before)
    found.setsockopt(SOL_SOCKET, SO_RCVTIMEO, pack("@ll", int(idle_s), int(idle_s % 1 * 1_000_000)))
    found.listen(128)
    posix.rename(fresh, path)
    return found


def reap() -> None:
    """Workers that this one forked and that have ended."""
    try:
        while posix.waitpid(-1, posix.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
