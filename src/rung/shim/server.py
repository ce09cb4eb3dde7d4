"""A ttrpc server on the loop: connections, frames, and answers in any order.

Rule: this file knows frames and no methods. A handler gets the request and a ``Reply`` which it uses once, now or
later; a connection that breaks meanwhile is nobody's error.
"""

from __future__ import annotations

from _socket import AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_STREAM, socket
from select import EPOLLIN, EPOLLOUT

from rung.shim.errors import code_of
from rung.spec.protobuf import BadMessage
from rung.spec.shim import ttrpc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.loop import Loop
    from rung.spec.protobuf import Message

    Handler = Callable[["ttrpc.Request", "Reply"], None]

_READ_BYTES = 1 << 16
#: A client that does not read its answers is let go at so many bytes.
_UNREAD_LIMIT = 8 << 20


class Reply:
    """The answer to one call: ``send`` or ``fail``, once."""

    def __init__(self, connection: Connection, stream: int) -> None:
        self._connection = connection
        self._stream = stream

    @property
    def caller(self) -> object:
        """Who has asked: the same for all calls of a connection (``Server.gone``)."""
        return self._connection

    def send(self, message: Message) -> None:
        """It went well."""
        self._connection.send(ttrpc.answer(self._stream, message.encode()))

    def fail(self, error: BaseException, code: int | None = None) -> None:
        """It did not."""
        said = str(error) or type(error).__name__
        self._connection.send(ttrpc.answer(self._stream, code=code or code_of(error), message=said))


class Server:
    """Accepts connections on a listening socket. ``handle`` gets each request with its ``Reply``; ``gone`` is told of a
    caller that has hung up, or was killed."""

    def __init__(
        self,
        loop: Loop,
        listening: int,
        handle: Handler,
        allowed: Callable[[int], bool],
        gone: Callable[[object], None] = lambda _caller: None,
    ) -> None:
        self._loop = loop
        self._listening = socket(AF_UNIX, SOCK_STREAM, 0, listening)
        self._listening.setblocking(False)
        self._handle = handle
        self._allowed = allowed
        self._gone = gone
        self.connections: set[Connection] = set()
        loop.watch(listening, EPOLLIN, self._accept)

    def _accept(self, _events: int) -> None:
        try:
            fd, _ = self._listening._accept()  # type: ignore[attr-defined]
        except OSError:  # it went away before it was taken
            return
        client = socket(AF_UNIX, SOCK_STREAM, 0, fd)
        if not self._allowed(peer_uid(client)):
            client.close()
            return
        client.setblocking(False)
        self.connections.add(Connection(self._loop, client, self._handle, self._left))

    def _left(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self._gone(connection)

    def close(self) -> None:
        """Accept no more; connections that are there go on."""
        self._loop.forget(self._listening.fileno())
        self._listening.close()


def peer_uid(client: socket) -> int:
    """Whose process is at the other end (SO_PEERCRED)."""
    from _socket import SO_PEERCRED, SOL_SOCKET

    return int.from_bytes(client.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], "little")


class Connection:
    """One client."""

    def __init__(
        self, loop: Loop, client: socket, handle: Handler, gone: Callable[[Connection], None]
    ) -> None:
        self._loop = loop
        self._client = client
        self._handle = handle
        self._gone = gone
        self._frames = ttrpc.Frames()
        self._unsent = bytearray()
        self._open = True
        loop.watch(client.fileno(), EPOLLIN, self._ready)

    def _ready(self, events: int) -> None:
        if events & EPOLLOUT:
            self._flush()
        if self._open and events & ~EPOLLOUT:
            self._read()

    def _read(self) -> None:
        try:
            data = self._client.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            for stream, kind, message in self._frames.feed(data):
                if kind == ttrpc.REQUEST:
                    self._take(stream, message)
        except ttrpc.BadFrame:
            self.close()

    def _take(self, stream: int, message: bytes) -> None:
        reply = Reply(self, stream)
        try:
            self._handle(ttrpc.Request.decode(message), reply)
        except (BadMessage, UnicodeDecodeError) as error:
            reply.fail(error, ttrpc.INVALID_ARGUMENT)
        except Exception as error:  # noqa: BLE001 - the caller gets it, whatever it is: this keeps other containers, too
            reply.fail(error)

    def send(self, data: bytes) -> None:
        """Send, now or when there is room."""
        if not self._open:
            return
        self._unsent += data
        self._flush()
        if len(self._unsent) > _UNREAD_LIMIT:
            self.close()

    def _flush(self) -> None:
        try:
            while self._unsent:
                sent = self._client.send(self._unsent, MSG_DONTWAIT | MSG_NOSIGNAL)
                del self._unsent[:sent]
        except BlockingIOError:
            pass  # the rest when the client has read some
        except OSError:
            self.close()
            return
        events = EPOLLIN | EPOLLOUT if self._unsent else EPOLLIN
        self._loop.watch(self._client.fileno(), events, self._ready)

    def close(self) -> None:
        """Let the client go."""
        if self._open:
            self._open = False
            self._loop.forget(self._client.fileno())
            self._client.close()
            self._gone(self)
