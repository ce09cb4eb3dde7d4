"""The shim's side: ask a worker for an operation, and start what it says must be started."""

from __future__ import annotations

from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    SCM_RIGHTS,
    SHUT_RDWR,
    SO_RCVTIMEO,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
)
from fcntl import F_DUPFD_CLOEXEC, fcntl

from rung import jsonc, posix
from rung.runtime import ORDER_MAX, SpawnOrder, answer_order, read_order
from rung.shim import children
from rung.shim.errors import ShimError
from rung.shim.worker import BEGUN, END, FDS_MAX, REQUEST_MAX, VERSION
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: So long a shim waits for a worker to begin. A zygote that has none forks one in two milliseconds; where hundreds of
#: containers begin at once it is busy for seconds.
PATIENCE_S = 10
#: So long one operation may take: hooks have times of their own, and what waits longer is stopped.
OPERATION_S = 140
_TIMEVAL = 8
_ROOM = CMSG_SPACE(4 * FDS_MAX)


class Unserved(Exception):
    """Nobody has begun, and nobody will."""


class WorkerGone(ShimError):
    """The worker has died in the middle."""


class Told(ShimError):
    """What the worker's runtime said, with its code of ttrpc's."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def ask(path: str, request: dict[str, Any], fds: Sequence[int]) -> tuple[Any, int]:
    """The outcome, and a terminal or -1. Raises ``Unserved``, ``WorkerGone`` and ``Told``."""
    message = jsonc.dumps({**request, "version": VERSION}).encode()
    if not path or len(message) > REQUEST_MAX:
        raise Unserved
    connection = socket(AF_UNIX, SOCK_SEQPACKET)
    born: list[int] = []
    try:
        _begin(connection, path, message, fds)
        while True:
            answer, given = _receive(connection)
            if answer[:1] == END:
                return _outcome(answer, given)
            connection.send(_carry_out(answer, given, born), MSG_NOSIGNAL)
    except OSError as error:
        raise WorkerGone("the runtime's worker", "", f"has gone: {error.strerror}", "try again") from None
    finally:
        connection.close()
        for pid in born:  # what it did not wait for is for the loop to reap
            children.let_go(pid)


def _begin(connection: socket, path: str, message: bytes, fds: Sequence[int]) -> None:
    try:
        connection.connect(path)
        connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, _timeval(PATIENCE_S))
        connection.sendmsg([message], [_rights(fds)] if fds else [], MSG_NOSIGNAL)
        first = connection.recv(1)
    except OSError:
        first = _last_word(connection)
    if first != BEGUN:
        raise Unserved
    connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, _timeval(OPERATION_S))


def _timeval(seconds: int) -> bytes:
    return seconds.to_bytes(_TIMEVAL, "little") + bytes(_TIMEVAL)


def _last_word(connection: socket) -> bytes:
    """After this a worker that takes the request up cannot say that it has begun, and lets it be."""
    try:
        connection.shutdown(SHUT_RDWR)
        return connection.recv(1, MSG_DONTWAIT)
    except OSError:
        return b""


def _rights(fds: Sequence[int]) -> tuple[int, int, bytes]:
    return SOL_SOCKET, SCM_RIGHTS, b"".join(fd.to_bytes(4, "little") for fd in fds)


def _receive(connection: socket) -> tuple[bytes, list[int]]:
    message, control, _, _ = connection.recvmsg(ORDER_MAX, _ROOM, MSG_CMSG_CLOEXEC)
    given = [
        int.from_bytes(data[at : at + 4], "little")
        for level, kind, data in control
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS)
        for at in range(0, len(data) - 3, 4)
    ]
    if not message:
        raise ConnectionResetError(0, "it has hung up")
    return message, given


def _outcome(answer: bytes, given: list[int]) -> tuple[Any, int]:
    found = jsonc.loads(answer[1:])
    if "error" in found:
        raise Told(found["error"], found["code"])
    return found["value"], given[0] if given else -1


def _carry_out(message: bytes, given: list[int], born: list[int]) -> bytes:
    """Start a process, which is noted, or wait for one: the answer."""
    order = read_order(message, len(given))
    try:
        if isinstance(order, SpawnOrder):
            value = _spawn(order, given)
            born.append(value)
        else:
            value = children.waited(order.pid)
    except OSError as error:
        value = -(error.errno or 1)
    finally:
        for fd in given:
            posix.close(fd)
    return answer_order(order.question, value)


def _spawn(spawn: SpawnOrder, given: list[int]) -> int:
    """Its pid. Raises ``OSError``."""
    above = max(spawn.targets, default=2) + 1  # so that no number on one side is overwritten before it is used
    with Closing() as closing:
        moved = [closing.add(fcntl(fd, F_DUPFD_CLOEXEC, above)) for fd in given]
        program: str | bytes = spawn.program
        if spawn.program_is_first:
            program = f"/proc/self/fd/{moved.pop(0)}"
        env = dict(pair.partition(b"=")[::2] for pair in spawn.env)
        actions = [(posix.POSIX_SPAWN_DUP2, ours, its) for ours, its in zip(moved, spawn.targets)]
        signals = range(1, 32) if spawn.default_signals else ()
        start = posix.posix_spawn
        return children.held(lambda: start(program, spawn.argv, env, file_actions=actions, setsigdef=signals))
