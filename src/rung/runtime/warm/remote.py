"""The launcher as the parent of what a worker starts (``parent.Parent``)."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
from _socket import SCM_RIGHTS, SOL_SOCKET
from select import POLLIN, poll
from struct import unpack

from rung import posix
from rung.runtime.parent import ColdOnly, Parent
from rung.runtime.warm import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence

_SO_PEERCRED = 17
SIGKILL = 9


def peer(connection: socket) -> tuple[int, int]:
    """Pid and uid of the process at the other end (unix(7), SO_PEERCRED)."""
    pid, uid, _ = unpack("=iII", connection.getsockopt(SOL_SOCKET, _SO_PEERCRED, 12))
    return pid, uid


class CallerGone(KeyboardInterrupt):
    """The launcher has died: what was begun is undone, as at Ctrl-C."""


def _ended(pid: int) -> int:
    """Wait until a process that is not ours has ended, and say that it was killed."""
    try:
        pidfd = posix.pidfd_open(pid)
    except ProcessLookupError:
        return SIGKILL
    try:
        waiter = poll()
        waiter.register(pidfd, POLLIN)
        waiter.poll()
    finally:
        posix.close(pidfd)
    return SIGKILL


class RemoteParent(Parent):
    """Asks over ``connection``.

    Ctrl-C may come between any two instructions, after a question and before its answer too: an answer says
    which question it is for, and one that nobody waits for any more is passed over."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._question = 0
        self.name = str(peer(connection)[0])

    def spawn(
        self,
        program: str | int,
        argv: Sequence[str],
        env: dict[str, str],
        fds: Sequence[tuple[int, int]],
        *,
        default_signals: bool = False,
    ) -> int:
        first = [program] if isinstance(program, int) else []
        message = protocol.spawn(
            self._next(),
            "" if first else str(program),
            argv,
            env.items(),
            [its for _, its in fds],
            program_is_first=bool(first),
            default_signals=default_signals,
        )
        pid = 0
        _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGIO,))
        try:
            try:
                pid = self._answer_to(message, [*first, *(ours for ours, _ in fds)])
            finally:
                _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (_signal.SIGIO,))
        except KeyboardInterrupt:  # nobody would hear of this process
            if pid > 0:
                posix.kill(pid, SIGKILL)
                self.wait(pid)
            raise
        if pid < 0:
            raise OSError(-pid, posix.strerror(-pid), program)
        return pid

    def wait(self, pid: int) -> int:
        try:
            status = self._answer_to(protocol.wait(self._next(), pid))
        except CallerGone:  # somebody else's child now; what is undone next needs it to have ended
            return _ended(pid)
        if status < 0:
            raise OSError(-status, posix.strerror(-status))
        return status

    def forwarder(self) -> RemoteSignals:
        self.tell(protocol.HOLD)
        return RemoteSignals(self)

    def own(self, what: str) -> None:
        raise ColdOnly(what)

    def tell(self, message: bytes, fds: Sequence[int] = ()) -> None:
        """Say something that is not answered."""
        control = [(SOL_SOCKET, SCM_RIGHTS, b"".join(fd.to_bytes(4, "little") for fd in fds))] if fds else []
        try:
            self._connection.sendmsg([message], control)
        except (BrokenPipeError, ConnectionResetError):
            raise CallerGone from None

    def _next(self) -> int:
        self._question += 1
        return self._question

    def _answer_to(self, message: bytes, fds: Sequence[int] = ()) -> int:
        self.tell(message, fds)
        while True:
            try:
                answer = self._connection.recv(16)
            except ConnectionResetError:
                answer = b""
            if not answer:
                raise CallerGone
            question, value = protocol.answer(answer)
            if question == self._question:
                return value


class RemoteSignals:
    """The launcher holds its signals and passes them on."""

    def __init__(self, remote: RemoteParent) -> None:
        self._remote = remote
        self._holding = True

    def send_to(self, pidfd: int) -> None:
        """From now on to this process."""
        self._remote.tell(protocol.forward(), [pidfd])

    def stop(self) -> None:
        """They do again what they did before."""
        if self._holding:
            self._holding = False
            self._remote.tell(protocol.RELEASE)
