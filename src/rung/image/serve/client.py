"""One client's connection: its requests in turn, and the answers.

Rule: a client may be slow, silent, gone or hostile at any byte, and it costs one thread and
some kilobytes for a bounded time. What it has uploaded by then stays for it to go on from.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import traceback
from time import monotonic

from rung.errors import RungError
from rung.http1.connection import CONTINUE, Closed, Connection, Data, EndOfBody, NeedData
from rung.http1.errors import Malformed
from rung.http1.head import Request
from rung.image.registry.pace import Pace
from rung.image.serve.answers import ALWAYS, Answer, Growing, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rung.image.serve.server import Service

#: A head comes within ``head_s`` of its first byte; between two requests a client may be silent for ``rest_s``.
HEAD_S = 30.0
REST_S = 90.0
_CHUNK = 1 << 18
_FILE_CHUNK = 8 << 20
#: What is left of a refused body is read up to here, so that the client can send its next request.
_REST_BYTES = 1 << 18
#: After a connection's last answer: how long and how much is read and dropped, so that the answer is
#: not lost to a reset (RFC 9112 section 9.6).
_LINGER_S = 5.0
_LINGER_BYTES = 64 << 20
#: What a client that hangs up looks like.
GONE = (ConnectionError, TimeoutError, ssl.SSLError, BrokenPipeError)


class Client:
    """A connection. ``run`` is its thread's whole life."""

    def __init__(self, sock: socket.socket, name: str, service: Service) -> None:
        self.sock = sock
        self.name = name
        self.rests_since: float | None = monotonic()
        self._service = service
        self._connection = Connection()
        self._pace: Pace | None = None
        self._sent_bytes = 0

    def run(self) -> None:
        """Serve until one of us has had enough."""
        try:
            while self._serve_one():
                pass
        except GONE as error:
            self._service.log(f"{self.name} gone: {error or type(error).__name__}")
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.ENOTCONN):
                self._service.log(f"{self.name} gone: {error.strerror}")

    def hang_up(self) -> None:
        """End the connection from another thread."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # --- one request ---------------------------------------------------------------------

    def _serve_one(self) -> bool:
        """Whether another request may follow."""
        self.rests_since = monotonic()
        try:
            request = self._head()
        except Malformed as error:
            self._refuse(error)
            return False
        if request is None:
            return False
        self.rests_since = None
        started = monotonic()
        body = Incoming(self._connection, self._receive, self._send)
        answer = self._answer(request, body)
        try:
            self._drop_rest(body)
            self._reply(answer, with_body=request.method != "HEAD")
        finally:
            answer.close()
        took_ms = (monotonic() - started) * 1000
        line = f'{self.name} "{request.method} {request.target}" {answer.status} {self._sent_bytes} {took_ms:.1f}ms'
        self._service.log(line)
        if self._connection.keeps_alive:
            return True
        self._linger()
        return False

    def _head(self) -> Request | None:
        """The next request; None where the client has no more."""
        deadline = None
        while True:
            event = self._connection.next_event()
            if isinstance(event, Request):
                return event
            if isinstance(event, Closed):
                return None
            if self._connection.has_begun and deadline is None:
                deadline = monotonic() + HEAD_S
            left = REST_S if deadline is None else deadline - monotonic()
            try:
                if left <= 0:
                    raise TimeoutError
                self.sock.settimeout(left)
                self._connection.receive(self.sock.recv(_CHUNK))
            except TimeoutError:
                if deadline is None:
                    return None
                raise Malformed(408, f"its head takes more than {HEAD_S:.0f} s") from None

    def _answer(self, request: Request, body: Incoming) -> Answer:
        try:
            return self._service.answer(request, body)
        except Refusal as refusal:
            return refusal.answer()
        except Malformed as error:
            return _plain(error.status, error.reason)
        except GONE:
            raise
        except RungError as error:  # the store's paths are for the log, not for clients
            self._service.log(f"{self.name} error: {error}")
            return Refusal("UNKNOWN", "the registry's store cannot do this now").answer()
        except Exception:  # noqa: BLE001 - a bug of ours ends this request, and is told; not the server
            self._service.log(f"{self.name} bug: {traceback.format_exc()}")
            return Refusal("UNKNOWN", "an error of the registry's own").answer()

    def _refuse(self, error: Malformed) -> None:
        self._service.log(f"{self.name} refused: {error.reason}")
        self._reply(_plain(error.status, error.reason), with_body=True)
        self._linger()

    # --- bytes ---------------------------------------------------------------------------

    def _receive(self) -> None:
        """The next bytes of a body."""
        self._pace = self._pace or Pace(self._service.limits)
        self._pace.rest()
        while True:
            self.sock.settimeout(self._pace.slice_s())
            try:
                data = self.sock.recv(_CHUNK)
                break
            except TimeoutError:
                continue  # the pace says when it has been long enough
        self._pace.moved(len(data))
        self._connection.receive(data)

    def _send(self, data: bytes | memoryview) -> None:
        self._pace = self._pace or Pace(self._service.limits)
        view = memoryview(data)
        while view:
            self.sock.settimeout(self._pace.slice_s())
            try:
                sent = self.sock.send(view)
            except TimeoutError:
                continue
            self._pace.moved(sent)
            self._sent_bytes += sent
            view = view[sent:]

    def _drop_rest(self, body: Incoming) -> None:
        left = self._connection.body_left
        if left is None or left > _REST_BYTES or body.is_awaited:
            return
        try:
            for _ in body.chunks():
                pass
        except Malformed:
            pass  # it ends within its body: the answer closes the connection

    def _reply(self, answer: Answer, *, with_body: bool) -> None:
        self._pace = None
        self._sent_bytes = 0
        head = self._connection.respond(answer.status, (*ALWAYS, *answer.headers), answer.size)
        body = answer.body
        if isinstance(body, bytes):
            self._send(head + body if with_body else head)
            return
        self._send(head)
        if isinstance(body, Growing):
            parts: Iterable[tuple[int, int]] = body.download.parts(body.start, body.end)
        else:
            parts = ((body.start, body.end),)
        for start, end in parts:
            self._pace = None  # waiting for a download is not the client's fault
            self._send_file(body.file.fileno(), start, end)

    def _send_file(self, fd: int, start: int, end: int) -> None:
        while start < end:
            if isinstance(self.sock, ssl.SSLSocket):
                data = os.pread(fd, min(_CHUNK, end - start), start)
                self._send(data)
                sent = len(data)
            else:
                sent = self._sendfile(fd, start, end - start)
            if sent == 0:
                raise ConnectionError("the blob's file has become shorter")
            start += sent

    def _sendfile(self, fd: int, start: int, count: int) -> int:
        """What the socket takes at once, from the page cache to it without passing through here."""
        self._pace = self._pace or Pace(self._service.limits)
        to = self.sock.fileno()
        while True:
            patience_s = self._pace.slice_s()
            try:
                sent = os.sendfile(to, fd, start, min(count, _FILE_CHUNK))
                break
            except BlockingIOError:
                poll = select.poll()
                poll.register(to, select.POLLOUT)
                poll.poll(patience_s * 1000)
        self._pace.moved(sent)
        self._sent_bytes += sent
        return sent

    def _linger(self) -> None:
        """Say that this was all, and let the client finish its sentence."""
        deadline, left = monotonic() + _LINGER_S, _LINGER_BYTES
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while left > 0 and (patience := deadline - monotonic()) > 0:
                self.sock.settimeout(patience)
                data = self.sock.recv(_CHUNK)
                if not data:
                    return
                left -= len(data)
        except OSError:
            pass


class Incoming:
    """A request's body as it comes in."""

    def __init__(
        self, connection: Connection, receive: Callable[[], None], send: Callable[[bytes], None]
    ) -> None:
        self.length = connection.body_left
        self._connection = connection
        self._receive = receive
        self._send = send

    @property
    def is_awaited(self) -> bool:
        """Whether the client waits for 100 before it sends this."""
        return self._connection.expects_continue

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece. Raises ``Malformed``."""
        while True:
            event = self._connection.next_event()
            if isinstance(event, Data):
                yield event.data
            elif isinstance(event, EndOfBody):
                return
            else:
                assert isinstance(event, NeedData)
                if self.is_awaited:
                    self._send(CONTINUE)
                self._receive()

    def read(self, limit: int) -> bytes | None:
        """All of it, or None where it is longer than ``limit``."""
        if self.length is not None and self.length > limit:
            return None
        parts: list[bytes] = []
        size = 0
        for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                return None
            parts.append(chunk)
        return b"".join(parts)


def _plain(status: int, reason: str) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), f"{reason}\n".encode())
