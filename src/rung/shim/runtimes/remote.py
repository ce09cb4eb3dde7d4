"""Calls to another shim: one a connection, answered while the caller waits; and one of its processes, followed.

Whoever calls is in a thread of his own; only ``Remote.follow`` belongs to the loop.
"""

from __future__ import annotations

from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM, socket
from select import EPOLLIN

from rung.shim.errors import AlreadyExists, FailedPrecondition, NotFound, ShimError
from rung.spec.protobuf import BadMessage
from rung.spec.shim import task as messages
from rung.spec.shim import ttrpc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.shim.loop import Loop
    from rung.spec.protobuf import Message

#: What is said of a process whose shim was killed: nobody learned its status.
LOST = 255
_KINDS = {one.code: one for one in (NotFound, AlreadyExists, FailedPrecondition)}


class Gone(ShimError):
    """Nobody listens any more."""


def ask(address: str, service: str, method: str, request: Message) -> Any:
    """The answer. Raises ``Gone``, and the ``ShimError`` that it is."""
    connection = _send(address, service, method, request)
    try:
        frames = ttrpc.Frames()
        while data := connection.recv(1 << 16):
            for _, _, message in frames.feed(data):
                return _opened(method, message)
    except (OSError, ttrpc.BadFrame, BadMessage) as error:
        raise Gone(method, f'"{address}"', str(error)) from None
    finally:
        connection.close()
    raise Gone(method, f'"{address}"', "the shim has hung up")


def _send(address: str, service: str, method: str, request: Message) -> socket:
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
    call = ttrpc.Request(service=service, method=method, payload=request.encode())
    try:
        connection.connect(address)
        whole = ttrpc.frame(1, ttrpc.REQUEST, call.encode())
        while whole:
            whole = whole[connection.send(whole, MSG_NOSIGNAL) :]
    except OSError as error:
        connection.close()
        raise Gone(method, f'"{address}"', error.strerror or "") from None
    return connection


def _opened(method: str, message: bytes) -> Any:
    try:
        return messages.METHODS[method][1].decode(ttrpc.payload_of(message))
    except ttrpc.RemoteError as error:
        raise _KINDS.get(error.code, ShimError)("", "", str(error)) from None


class Remote:
    """A process that another shim keeps."""

    def __init__(self, address: str, service: str, task_id: str, exec_id: str) -> None:
        self._address, self._service = address, service
        self._whose = {"id": task_id, "exec_id": exec_id}

    def _ask(self, method: str, **more: Any) -> Any:
        return ask(self._address, self._service, method, messages.METHODS[method][0](**self._whose, **more))

    def kill(self, signal: int) -> None:
        """Signal it."""
        self._ask("Kill", signal=signal)

    def resize(self, columns: int, rows: int) -> None:
        """Give its terminal a size."""
        self._ask("ResizePty", width=columns, height=rows)

    def close_input(self) -> None:
        """It ends after what has been written: that shim holds a writing end of its own."""
        self._ask("CloseIO", stdin=True)

    def follow(self, loop: Loop, ended: Callable[[int], None]) -> None:
        """Call ``ended`` with its status, once; an exec is then deleted over there."""
        try:
            connection = _send(self._address, self._service, "Wait", messages.OfProcess(**self._whose))
        except Gone:
            loop.soon(lambda: ended(LOST))
            return
        frames = ttrpc.Frames()

        def answered(_events: int) -> None:
            try:
                data = connection.recv(1 << 16)
                found = [_opened("Wait", message).exit_status for _, _, message in frames.feed(data)]
            except (OSError, ShimError, ttrpc.BadFrame, BadMessage):
                data, found = b"", []
            if data and not found:
                return
            loop.forget(connection.fileno())
            connection.close()
            if self._whose["exec_id"]:
                loop.aside(lambda: self._ask("Delete"), lambda _answer, _error: None)
            ended(found[0] if found else LOST)

        loop.watch(connection.fileno(), EPOLLIN, answered)
