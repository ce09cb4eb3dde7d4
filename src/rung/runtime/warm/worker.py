"""One worker at one command: it becomes the caller for a moment, and itself again."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import fcntl
import struct
from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET

from rung import posix
from rung.runtime import parent
from rung.runtime.parent import ColdOnly
from rung.runtime.warm import protocol
from rung.runtime.warm.caller import Servable, may_be_served
from rung.runtime.warm.remote import RemoteParent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from types import FrameType

_F_SETSIG = 10
_UMASK = 0o022
_INTERRUPTED = 130


class Bug(Exception):
    """A command ended as none should: the worker that carried it out is not to be used again."""


class Worker:
    """Serves one connection after another."""

    def __init__(self) -> None:
        self._servable = Servable()
        self._null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
        self._serving = False
        _signal.signal(_signal.SIGIO, self._caller_is_gone)

    def _caller_is_gone(self, _signal: int, _frame: FrameType | None) -> None:
        if self._serving:
            raise KeyboardInterrupt

    def serve(self, connection: socket, *, turn_away: bool) -> None:
        """Carry out what comes over a connection, or nothing. Raises ``Bug`` where there is one."""
        try:
            connection.send(protocol.ACCEPTED)
            hello, fds = _receive(connection)
        except (OSError, ValueError):
            return  # it went away: nothing has been asked
        try:
            if turn_away:
                _quietly(RemoteParent(connection), protocol.COLD)
            else:
                self._serve(connection, hello, fds)
        finally:
            for fd in fds:
                posix.close(fd)

    def _serve(self, connection: socket, hello: protocol.Hello, fds: list[int]) -> None:
        words = [posix.fsdecode(word) for word in hello.words]
        remote = RemoteParent(connection)
        try:
            if not may_be_served(words, hello.environment, _command(words)) or not self._servable(connection):
                raise ColdOnly("the caller")
            self._become(hello, fds)
            parent.use_parent(remote)
            remote.tell(protocol.end(self._execute(words, fds[4])))
        except ColdOnly:
            _quietly(remote, protocol.COLD)
        except KeyboardInterrupt:
            _quietly(remote, protocol.end(_INTERRUPTED))
        except Exception as bug:  # execute has said so; the rest is as Python ends a program
            _show_traceback()
            _quietly(remote, protocol.end(1))
            raise Bug from bug
        finally:
            self._be_oneself()

    def _execute(self, words: list[str], alive: int) -> int:
        from rung.runtime.cli.main import execute

        fcntl.fcntl(alive, fcntl.F_SETOWN, posix.getpid())
        fcntl.fcntl(alive, _F_SETSIG, _signal.SIGIO)
        fcntl.fcntl(alive, fcntl.F_SETFL, posix.O_ASYNC | posix.O_NONBLOCK)
        self._serving = True
        try:
            if _closed(alive):
                raise KeyboardInterrupt
            return execute(words)
        finally:
            self._serving = False

    def _become(self, hello: protocol.Hello, fds: list[int]) -> None:
        for target in range(3):
            posix.dup2(fds[target], target)
        posix.fchdir(fds[3])
        posix.umask(hello.umask)
        posix.environ.clear()
        posix.environ.update(hello.environment)

    def _be_oneself(self) -> None:
        self._serving = False
        parent.use_parent(parent.Parent())
        for target in range(3):
            posix.dup2(self._null, target)
        posix.chdir("/")
        posix.umask(_UMASK)
        posix.environ.clear()


def _receive(connection: socket) -> tuple[protocol.Hello, list[int]]:
    """Raises ``ValueError`` where it is no hello."""
    message, control, _, _ = connection.recvmsg(
        protocol.ORDER_MAX, CMSG_SPACE(4 * protocol.HELLO_FDS), MSG_CMSG_CLOEXEC
    )
    fds: list[int] = []
    for level, kind, data in control:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            fds += [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) - 3, 4)]
    try:
        if len(fds) != protocol.HELLO_FDS:
            raise ValueError("not a hello")
        return protocol.Hello(message), fds
    except (ValueError, struct.error):
        for fd in fds:
            posix.close(fd)
        raise ValueError("not a hello") from None


def _command(words: list[str]) -> str:
    """The command's name, or nothing where the line is for the caller's own process to complain of, or asks for help:
    both show the name that the caller was called by."""
    from rung.runtime.cli.main import GLOBAL_FLAGS
    from rung.runtime.cli.options import UsageError, parse

    try:
        program, rest = parse(GLOBAL_FLAGS, words, False)
    except UsageError:
        return ""
    if not rest or program["help"] or program["version"] or rest[1:2] in (["-h"], ["--help"]):
        return ""
    return rest[0]


def _closed(pipe: int) -> bool:
    try:
        return posix.read(pipe, 1) == b""
    except BlockingIOError:
        return False


def _show_traceback() -> None:
    import sys
    import traceback

    traceback.print_exc()
    sys.stderr.flush()


def _quietly(remote: RemoteParent, message: bytes) -> None:
    """Say it, if there is still somebody to hear it."""
    try:
        remote.tell(message)
    except KeyboardInterrupt:
        return
