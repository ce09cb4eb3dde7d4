"""CRIU at work: one process (``criu swrk``) that is asked one thing over a socket.

While it works it tells how far it is (*notifications*) and waits for the answer, so that the
caller can do its part in between. If the caller gives up, the socket closes, and CRIU takes
back what it has done: a process that it was saving goes on, one that it was restoring ends.
"""

from __future__ import annotations

from rung import posix
from rung.files import read_file
from rung.runtime.checkpoint import rpc
from rung.runtime.errors import CriuError
from rung.runtime.parent import parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable

    #: name of the notification, pid of the container's init (0: not known), descriptor (-1: none)
    Notified = Callable[[str, int, int], None]

SOCKET_FD = 3
ARGUMENTS = ("swrk", str(SOCKET_FD))
_MESSAGE_SIZE = 65536
_HARMLESS = b"rlimit: Can't setup"  # it would like more descriptors than it may have
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find() -> str:
    """The program, looked up along PATH. Raises ``CriuError``."""
    for directory in posix.getenv("PATH", _DEFAULT_PATH).split(":"):
        path = posix.join(directory or ".", "criu")
        if posix.access(path, posix.X_OK) and not posix.isdir(path):
            return posix.abspath(path)
    raise CriuError("cannot run", "criu", "it is not in $PATH", "install CRIU: https://criu.org/Installation")


def sockets() -> tuple[socket, socket]:
    """Our end, and the one that is to be CRIU's descriptor 3."""
    from _socket import AF_UNIX, SOCK_SEQPACKET, socketpair

    return socketpair(AF_UNIX, SOCK_SEQPACKET)


def start() -> Talk:
    """CRIU as a child of the caller's, without further ado."""
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    program = find()
    ours, theirs = sockets()
    above = fcntl(theirs.fileno(), F_DUPFD_CLOEXEC, SOCKET_FD + 1)
    theirs.close()
    try:
        pid = parent().spawn(program, [program, *ARGUMENTS], posix.environment(), [(above, SOCKET_FD)])
    except OSError as error:
        ours.close()
        raise CriuError("cannot run", program, str(error.strerror)) from None
    finally:
        posix.close(above)
    return Talk(ours, pid)


class Talk:
    """``with`` it, one question may be asked; in the end CRIU is gone and waited for."""

    def __init__(self, ours: socket, pid: int) -> None:
        self._socket = ours
        self.pid = pid

    def ask(self, message: bytes, notified: Notified) -> rpc.Response:
        """The last response; raises ``CriuError`` where CRIU ends without any."""
        self._send(message)
        while True:
            response, fd = self._receive()
            if response.type != rpc.NOTIFY or not response.success:
                return response
            notice = response.notify or rpc.Notice()
            try:
                notified(notice.script, notice.pid, fd)
            finally:
                if fd >= 0:
                    posix.close(fd)
            self._send(rpc.request(type=rpc.NOTIFY, notify_success=True))

    def _send(self, message: bytes) -> None:
        try:
            self._socket.send(message)
        except (BrokenPipeError, ConnectionResetError):
            raise CriuError("criu", "", "it ended in the middle of its work") from None

    def _receive(self) -> tuple[rpc.Response, int]:
        from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET

        try:
            data, control, _, _ = self._socket.recvmsg(_MESSAGE_SIZE, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            data, control = b"", []
        rights = [word for level, kind, word in control if level == SOL_SOCKET and kind == SCM_RIGHTS]
        if not data:
            raise CriuError("criu", "", "it ended without an answer")
        try:
            return rpc.Response.decode(data), int.from_bytes(rights[0][:4], "little") if rights else -1
        except rpc.BadMessage as error:
            raise CriuError("criu", "", f"its answer cannot be read: {error}") from None

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        parent().wait(self.pid)


def check_feature(name: str, what: str) -> None:
    """That kernel and CRIU can do it. Raises ``CriuError``."""
    with start() as talk:
        response = talk.ask(rpc.request(type=rpc.FEATURE_CHECK, features={name: True}), _unheard)
    if not getattr(response.features or rpc.Features(), name):
        raise CriuError(f"cannot {what}:", "", f"CRIU lacks the feature {name} on this kernel", "see criu check --all")


def _unheard(_name: str, _pid: int, _fd: int) -> None:
    """Nothing is told while a question about features is answered."""


def failure(operation: str, container_id: str, log: str, response: rpc.Response | None) -> CriuError:
    """What went wrong, by CRIU's own first complaint."""
    answer = response or rpc.Response()
    said = cause(_read(log)) or cause(answer.cr_errmsg.encode("utf-8", "surrogateescape"))
    if not said and answer.cr_errno:
        said = posix.strerror(answer.cr_errno)
    # A configuration file of CRIU's may give the log another name.
    hint = f"its log: {log}" if posix.exists(log) else f"its log is in {posix.dirname(log)}"
    return CriuError(f"criu cannot {operation} container", f'"{container_id}"', said or "it does not say why", hint)


def cause(log: bytes) -> str:
    """The first error in a log of CRIU's that stopped it; those after it are its consequences.

    A line: ``(00.016871)     17: Error (criu/mount.c:705): mnt: ...``, times and pids first."""
    for line in log.splitlines():
        _, found, rest = line.partition(b"Error (")
        if found and _HARMLESS not in rest:
            return rest.partition(b"): ")[2].decode("utf-8", "replace").strip()
    return ""


def _read(path: str) -> bytes:
    try:
        return read_file(path)
    except OSError:
        return b""
