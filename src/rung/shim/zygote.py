"""The zygote: a process that has the shim imported, and forks one for whoever asks.

A fork costs a millisecond and shares its memory with its siblings, where a started program costs twenty and its own.
Even that millisecond is spent before anybody asks, and while nobody else needs the processors: one shim-to-be is forked
ahead, has what it will write to copied (``touched.py``), and waits for what it shall be.
The zygote is asked over a socket of packets: a request is a line of JSON (``Keep``) with the listening socket; the
answer is the shim's pid. The zygote ends with the connection, and the one that waits with it; its shims do not.

Rule: it does nothing but fork: no thread and no lock of its own is there to be inherited, and no file but the sealed
copy of rung-init, which all containers may share.
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
from rung.shim.touched import Touched

_RIGHTS = (SOL_SOCKET, SCM_RIGHTS)
_MOST_BYTES = 1 << 16
#: About what a start takes.
QUIET_MS = 12


def main(fd: int) -> None:
    """Serve requests on the connection ``fd`` until it is closed."""
    _import_everything()
    connection = socket(AF_UNIX, SOCK_SEQPACKET, 0, fd)
    _ignore_children()
    gc.collect()
    gc.freeze()  # what is imported stays, and stays shared with the forks
    touched = Touched()
    ahead: Ahead | None = Ahead(connection, touched)
    connection.send(b"ready")
    while True:
        if ahead is None and _is_quiet(connection):
            ahead = Ahead(connection, touched)
        message, listening = _receive(connection)
        if not message:
            return
        if ahead is None or not ahead.become(message, listening):  # there is none yet, or somebody has killed it
            ahead = Ahead(connection, touched)
            ahead.become(message, listening)
        posix.close(listening)
        connection.send(str(ahead.pid).encode())
        ahead = None


def _is_quiet(connection: socket) -> bool:
    """Whether nobody asks for some time. A fork beside a container's start would take a processor from it."""
    waiting = poll()
    waiting.register(connection.fileno(), POLLIN)
    return not waiting.poll(QUIET_MS)


class Ahead:
    """A shim-to-be. ``asked``: the zygote's connection, which it must not keep open."""

    def __init__(self, asked: socket, touched: Touched) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self.pid = posix.fork()
        if not self.pid:
            asked.close()
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
            self._connection.close()
        return True


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
        if message and keep(Keep(**jsonc.loads(message)), listening, loop):
            touched.note()
    finally:
        posix._exit(0)


def _ignore_children() -> None:
    """Nobody waits for shims that end before the zygote: the kernel takes them."""
    from _signal import SIG_IGN, SIGCHLD, signal  # type: ignore[import-not-found]

    signal(SIGCHLD, SIG_IGN)


def _import_everything() -> None:
    """All that a shim of a container's whole life touches, so that it is shared."""
    import ctypes  # noqa: F401 - mounts are made through it
    import traceback  # noqa: F401

    import rung
    import rung.shim.keeper
    import rung.shim.metrics
    import rung.shim.runtimes.own
    import rung.shim.runtimes.program
    from rung.kernel.libc import library
    from rung.runtime import import_all, sealed_init

    library()
    sealed_init()
    import_all(posix.dirname(posix.dirname(rung.__file__)))


if __name__ == "__main__":
    main(3)
