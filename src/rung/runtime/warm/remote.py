"""The launcher as the parent of what a worker starts (``parent.Parent``)."""

from __future__ import annotations

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
    """Asks over ``connection``."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._owed = 0  # answers not yet heard
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
            "" if first else str(program),
            argv,
            env.items(),
            [its for _, its in fds],
            program_is_first=bool(first),
            default_signals=default_signals,
        )
        pid = self._ask(message, [*first, *(ours for ours, _ in fds)])
        if pid < 0:
            raise OSError(-pid, posix.strerror(-pid), program)
        return pid

    def wait(self, pid: int) -> int:
        try:
            status = self._ask(protocol.wait(pid))
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

    def _ask(self, message: bytes, fds: Sequence[int] = ()) -> int:
        while self._owed:  # to a question during which Ctrl-C came
            self._answer()
        self.tell(message, fds)
        self._owed += 1
        return self._answer()

    def _answer(self) -> int:
        try:
            answer = self._connection.recv(16)
        except ConnectionResetError:
            answer = b""
        if not answer:
            raise CallerGone
        self._owed -= 1
        return protocol.answer(answer)


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
