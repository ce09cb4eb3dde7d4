"""The zygote's side: it listens for those who want a worker, and forks another when there is none any more.

It never accepts: that is the worker's. Each hears of the other's end, however it came, by the socket between them.
"""

from __future__ import annotations

from _socket import AF_UNIX, SHUT_WR, SOCK_SEQPACKET, socket, socketpair
from select import POLLIN, poll

from rung import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 4096
#: So long the zygote's own end waits for a worker's: one whose hook hangs ends after it.
FINISHING_MS = 5000


class Pool:
    """One worker at a time, or none. Listens at ``path``."""

    def __init__(self, path: str) -> None:
        self._listening = listen(path)
        self._worker: socket | None = None

    @property
    def awaited(self) -> int:
        """What to watch: the worker's end, or while there is none, that somebody wants one."""
        return (self._worker or self._listening).fileno()

    def ready(self, let_go: Callable[[], None]) -> None:
        """That has come. ``let_go``: as with ``fork``."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        else:
            self.fork(let_go)

    def fork(self, let_go: Callable[[], None]) -> None:
        """A worker. ``let_go``: closes in it what is the zygote's alone."""
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        if not posix.fork():
            ours.close()
            let_go()
            _work(self._listening, theirs)
        theirs.close()
        self._worker = ours

    def end(self) -> None:
        """Let the worker finish what it has begun, and end."""
        if self._worker is not None:
            self._worker.shutdown(SHUT_WR)
            waiting = poll()
            waiting.register(self._worker.fileno(), POLLIN)
            waiting.poll(FINISHING_MS)

    def close(self) -> None:
        """In a fork that is no worker."""
        self._listening.close()
        if self._worker is not None:
            self._worker.close()


def listen(path: str) -> socket:
    """A socket at ``path``, in the place of one that a dead zygote has left; for its owner alone."""
    found = socket(AF_UNIX, SOCK_SEQPACKET)
    fresh = f"{path}.new"
    before = posix.umask(0o177)
    try:
        posix.unlink(fresh)
    except FileNotFoundError:
        pass
    try:
        found.bind(fresh)
    finally:
        posix.umask(before)
    found.listen(_BACKLOG)
    posix.rename(fresh, path)
    return found


def _work(listening: socket, zygote: socket) -> None:
    from rung.shim.worker.crew import work

    try:
        work(listening, zygote)
    finally:
        posix._exit(0)
