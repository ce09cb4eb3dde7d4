"""The zygote: a process that has the shim imported, and forks one for whoever asks.

A fork costs a millisecond and shares its memory with its siblings, where a started program costs twenty and its own.
Even that millisecond is spent before anybody asks, and while nobody else needs the processors: one shim-to-be is forked
ahead, has what it will write to copied (``touched.py``), and waits for what it shall be.
The zygote is asked over a socket of packets: a request is a line of JSON (``Keep``) with the listening socket; the
answer is the shim's pid. The zygote ends with the connection, and the one that waits with it; its shims do not.

Rule: it does nothing but fork, and has no more in its memory than a shim needs: no thread, no lock and no file of its
own is there to be inherited. The runtime is in another fork's memory, the worker's (``worker/``).
"""

from __future__ import annotations

import gc
from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    MSG_NOSIGNAL,
    SCM_RIGHTS,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
    socketpair,
)
from select import POLLIN, poll

from rung import jsonc, posix
from rung.shim.immortal import make_immortal
from rung.shim.touched import Touched
from rung.shim.worker.pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RIGHTS = (SOL_SOCKET, SCM_RIGHTS)
_MOST_BYTES = 1 << 16
#: About what a start takes.
QUIET_MS = 12


def main(fd: int, workers: str) -> None:
    """Serve requests on the connection ``fd`` until it is closed. ``workers``: where workers are asked for."""
    _import_everything()
    _ignore_children()
    zygote = _Zygote(socket(AF_UNIX, SOCK_SEQPACKET, 0, fd), Pool(workers))
    zygote.run()


class _Zygote:
    """What the zygote has open: each of its forks lets go of what is not its own."""

    def __init__(self, connection: socket, pool: Pool) -> None:
        gc.collect()
        make_immortal()
        gc.freeze()  # what is imported stays, and stays shared with the forks
        self._connection, self._pool = connection, pool
        self._touched = Touched()
        self._ahead: Ahead | None = None
        self._pool.fork(self._let_go_for_worker)
        self._ahead = self._fork()
        connection.send(b"ready")

    def _fork(self) -> Ahead:
        return Ahead(self._touched, self._let_go)

    def _let_go(self) -> None:
        self._connection.close()
        self._pool.close()

    def _let_go_for_worker(self) -> None:
        self._connection.close()
        if self._ahead is not None:
            self._ahead.close()

    def run(self) -> None:
        """Until nobody is at the other end. What is forked ahead ends then as well."""
        while True:
            found = self._wait()
            if self._ahead is None and not found:
                self._ahead = self._fork()
            if self._pool.awaited in found:
                self._pool.ready(self._let_go_for_worker)
            if self._connection.fileno() in found and not self._serve():
                self._pool.end()
                return

    def _wait(self) -> list[int]:
        """What has something to say. Nothing after some time, where a fork is to be made: beside a container's start it
        would take a processor from it."""
        waiting = poll()
        for fd in (self._connection.fileno(), self._pool.awaited):
            waiting.register(fd, POLLIN)
        return [fd for fd, _ in waiting.poll(QUIET_MS if self._ahead is None else None)]

    def _serve(self) -> bool:
        message, listening = _receive(self._connection)
        if not message:
            return False
        ahead, self._ahead = self._ahead, None
        if ahead is None or not ahead.become(message, listening):  # there is none yet, or somebody has killed it
            ahead = self._fork()
            ahead.become(message, listening)
        posix.close(listening)
        self._connection.send(str(ahead.pid).encode())
        return True


class Ahead:
    """A shim-to-be. ``let_go``: closes in it what is the zygote's alone."""

    def __init__(self, touched: Touched, let_go: Callable[[], None]) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self.pid = posix.fork()
        if not self.pid:
            let_go()
            ours.close()
            _wait(theirs, touched)
        theirs.close()
        self._connection = ours

    def become(self, message: bytes, listening: int) -> bool:
        """Say what it shall be; False where it is not there any more."""
        rights = [(*_RIGHTS, listening.to_bytes(4, "little"))]
        try:
            self._connection.sendmsg([message], rights, MSG_NOSIGNAL)
        except OSError:
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Nothing more is said to it: one that was not told what to be ends."""
        self._connection.close()


def _receive(connection: socket) -> tuple[bytes, int]:
    """A request and the descriptor that comes with it; nothing where the other end is gone."""
    message, control, _, _ = connection.recvmsg(_MOST_BYTES, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
    fds = [int.from_bytes(data[:4], "little") for level, kind, data in control if (level, kind) == _RIGHTS]
    return (message, fds[0]) if message and fds else (b"", -1)


def _wait(connection: socket, touched: Touched) -> None:
    """In the fork: until it is needed, or never will be."""
    from rung.shim.beginning import Keep
    from rung.shim.keeper import keep, prepare

    try:
        touched.copy()
        loop = prepare()
        message, listening = _receive(connection)
        connection.close()
        if message:
            keep(Keep(**jsonc.loads(message)), listening, loop, touched.note)
    finally:
        posix._exit(0)


def _ignore_children() -> None:
    """Nobody waits for shims that end before the zygote: the kernel takes them."""
    from _signal import SIG_IGN, SIGCHLD, signal  # type: ignore[import-not-found]

    signal(SIGCHLD, SIG_IGN)


def _import_everything() -> None:
    """All that a shim of a container's whole life touches, so that it is shared. The runtime is the worker's."""
    import ctypes  # noqa: F401 - what a shim is to its children is said through it

    import rung.shim.keeper
    import rung.shim.runtimes.apart
    import rung.shim.worker.hands  # noqa: F401
    from rung.kernel.libc import library

    library()
