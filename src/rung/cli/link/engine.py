"""Requests to the engine and its answers: one connection each (``rung.http1.exchange``), on a plain socket.

engine.get("/containers/json", all=1)               a document
engine.stream("GET", "/events")                     pieces as they come
engine.hijack("/containers/ID/attach", ...)         the connection itself
"""

from __future__ import annotations

import _socket

from rung import jsonc
from rung.cli.link.address import REMOTE, socket_path, told
from rung.errors import RungError
from rung.http1.connection import END_OF_BODY, NEED_DATA, Data
from rung.http1.errors import Malformed
from rung.http1.exchange import LAST_CHUNK, Exchange, chunk, request_head
from rung.http1.head import Response
from rung.trace.w3c import beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Headers = tuple[tuple[str, str], ...]

_PIECE = 1 << 16
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/:@")


class Refused(RungError):
    """The engine's refusal: its status and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__("Error response from daemon", "", sentence)
        self.status = status

    def __str__(self) -> str:
        return f"{self.operation}: {self.reason}"  # its sentences may have several lines, as Docker's


def quoted(text: str) -> str:
    """A word of a path or a query (RFC 3986 section 2.1)."""
    return "".join(
        chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape")
    )


def target(path: str, query: Mapping[str, Any]) -> str:
    """What is asked for; words of the query that are None or False are left out, mappings travel as JSON."""
    pairs = []
    for name, value in query.items():
        if value is None or value is False or value == "":
            continue
        for each in value if isinstance(value, list) else (value,):
            word = "1" if each is True else jsonc.dumps(each) if isinstance(each, dict) else str(each)
            pairs.append(f"{name}={quoted(word)}")
    return f"{path}?{'&'.join(pairs)}" if pairs else path


class Engine:
    """The engine that a command speaks to. It is started where it is ours and does not run."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.path = socket_path(settings)

    def connect(self) -> _socket.socket:
        """Raises ``RungError``."""
        try:
            if self.path.startswith(REMOTE):
                from rung.cli.link.remote import reached

                return reached(self.path, self.settings)
            return connected(self.path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if told(self.settings):
                raise _unreachable(self.path, error) from None
        except OSError as error:
            raise _unreachable(self.path, error) from None
        from rung.cli.link.begin import begin

        begin(self.settings, self.path)
        return connected(self.path)

    def call(
        self, method: str, path: str, body: Any = None, headers: Headers = (), /, **query: Any
    ) -> tuple[Response, bytes]:
        """A whole answer. Raises ``Refused``."""
        answer = self.stream(method, path, body, headers, **query)
        return answer.head, answer.whole()

    def get(self, path: str, /, **query: Any) -> Any:
        """A document. Raises ``Refused``."""
        return jsonc.loads(self.call("GET", path, **query)[1])

    def post(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """A document, None where the answer is empty. Raises ``Refused``."""
        found = self.call("POST", path, body, **query)[1]
        return jsonc.loads(found) if found.strip() else None

    def delete(self, path: str, /, **query: Any) -> Any:
        """As ``post``."""
        found = self.call("DELETE", path, **query)[1]
        return jsonc.loads(found) if found.strip() else None

    def stream(self, method: str, path: str, body: Any = None, headers: Headers = (), /, **query: Any) -> Answer:
        """An answer that is read as it comes. ``body``: a document, or a function that writes. Raises ``Refused``."""
        answer = self.ask(method, path, body, headers, **query)
        answer.begin()
        return answer

    def ask(self, method: str, path: str, body: Any = None, headers: Headers = (), /, **query: Any) -> Answer:
        """A request of which the answer is not waited for yet: ``answer.begin()``."""
        answer = Answer(self.path, self.connect(), method, target(path, query))
        answer.send(body, tuple(beside(headers)))
        return answer

    def hijack(self, path: str, body: Any = None, /, **query: Any) -> tuple[_socket.socket, bytes, bool]:
        """The connection, what came on it already, and whether its bytes are a terminal's. Raises ``Refused``."""
        upgrade = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
        answer = self.stream("POST", path, body, upgrade, **query)
        return answer.connection, answer.rest(), answer.head.get("content-type").endswith("raw-stream")


def connected(path: str) -> _socket.socket:
    """A connection to a unix socket."""
    found = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        found.connect(path)
    except BaseException:
        found.close()
        raise
    return found


class Answer:
    """One request and what comes back."""

    head: Response

    def __init__(self, place: str, connection: _socket.socket, method: str, target: str) -> None:
        self._place, self.connection, self._method, self._target = place, connection, method, target
        self._exchange = Exchange(method)

    def send(self, body: Any, headers: Headers) -> None:
        """The request."""
        try:
            self._send(body, headers)
        except ConnectionError:
            pass  # refused before it was whole: the answer says why

    def begin(self) -> None:
        """Until the head of the answer is there. Raises ``Refused``."""
        try:
            event = self._next()
        except Malformed as error:  # a server that does not know the client hangs up after the handshake, too
            raise RungError("ask", self._place, error.reason, _hint(self._place)) from None
        assert isinstance(event, Response)
        self.head = event
        if event.status >= 400:
            raise Refused(event.status, _sentence(self.whole()))

    def _send(self, body: Any, headers: Headers) -> None:
        if body is None or isinstance(body, dict):
            data = b"" if body is None else jsonc.dumps(body).encode()
            kind = () if body is None else (("Content-Type", "application/json"),)
            self.connection.sendall(
                request_head(self._method, self._target, (*headers, *kind), len(data)) + data
            )
            return
        kind = (("Content-Type", "application/x-tar"),)
        self.connection.sendall(request_head(self._method, self._target, (*headers, *kind), None))
        body(lambda data: self.connection.sendall(chunk(bytes(data))))
        self.connection.sendall(LAST_CHUNK)

    def _next(self) -> object:
        while (event := self._exchange.next_event()) is NEED_DATA:
            try:
                self._exchange.receive(self.connection.recv(_PIECE))
            except ConnectionError:
                self._exchange.receive(b"")
        return event

    def read(self) -> bytes:
        """The next piece of the body; empty at its end."""
        event = self._next()
        if isinstance(event, Data):
            return event.data
        assert event is END_OF_BODY
        self.close()
        return b""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def whole(self) -> bytes:
        """All of the body."""
        return b"".join(self)

    def documents(self) -> Iterator[Any]:
        """The body as JSON documents, a line each."""
        rest = b""
        for piece in self:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield jsonc.loads(line)
        if rest.strip():
            yield jsonc.loads(rest)

    def rest(self) -> bytes:
        """What came behind the head."""
        return self._exchange.rest()

    def close(self) -> None:
        """The rest is not wanted."""
        self.connection.close()


def _sentence(body: bytes) -> str:
    try:
        return str(jsonc.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()


def _unreachable(path: str, error: OSError) -> RungError:
    hint = "only root and the members of its group may" if isinstance(error, PermissionError) else _hint(path)
    return RungError("connect to", path, (error.strerror or str(error)).lower(), hint)


def _hint(path: str) -> str:
    """What to look at where it does not answer."""
    remote = path.startswith(REMOTE)
    return "does it speak TLS there, and are the certificates right?" if remote else "is rungd running?"
