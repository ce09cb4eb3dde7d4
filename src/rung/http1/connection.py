"""A server's view of one connection: the bytes of a client in, what they say out.

    start --Request--> body --Data...--> --EndOfBody--> answered --respond--> start
                                                                  `---------> closed

Rule: one request at a time; what a client sends ahead waits in the buffer. After
``Malformed`` or a ``Connection: close`` nothing more is read.
"""

from __future__ import annotations

from rung.http1 import limits
from rung.http1.errors import Malformed
from rung.http1.framing import Chunked, Length, body_of
from rung.http1.head import Request, parse_request
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Data(Record):
    """Some of the body."""

    data: bytes


class EndOfBody(Record):
    """The body was whole."""


class NeedData(Record):
    """Nothing can be said before more bytes come."""


class Closed(Record):
    """The client has hung up between two requests, as it may."""


NEED_DATA, END_OF_BODY, CLOSED = NeedData(), EndOfBody(), Closed()

_REASONS = {
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
    304: "Not Modified", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
    413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}  # fmt: skip
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """The protocol's state; whoever owns the socket feeds ``receive`` and asks ``next_event``."""

    def __init__(self) -> None:
        self.request: Request | None = None
        self.keeps_alive = True
        self._buffer = bytearray()
        self._body: Length | Chunked = Length(0)
        self._ended = False
        self._hung_up = False

    def receive(self, data: bytes | memoryview) -> None:
        """Bytes from the client; none is the end of its sending."""
        if data:
            self._buffer += data
        else:
            self._hung_up = True

    def next_event(self) -> Request | Data | EndOfBody | NeedData | Closed:
        """What has happened next. Raises ``Malformed``."""
        try:
            return self._next_head() if self.request is None else self._next_of_body()
        except Malformed:
            self.keeps_alive = False
            raise

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for 100 before it sends its body (RFC 9110 section 10.1.1)."""
        request = self.request
        if request is None or request.minor == 0 or self._buffer or self._ended:
            return False
        return request.get("expect").lower() == "100-continue"

    @property
    def body_left(self) -> int | None:
        """Bytes of the body still to come, None where it does not say."""
        if self._ended or self._body.done:
            return 0
        return self._body.left if isinstance(self._body, Length) else None

    @property
    def buffered(self) -> int:
        """Bytes that came and were not taken yet."""
        return len(self._buffer)

    @property
    def hung_up(self) -> bool:
        """Whether the client sends no more."""
        return self._hung_up

    def rest(self) -> bytes:
        """What the client sent behind its request: where the connection is upgraded, the new protocol's."""
        found = bytes(self._buffer)
        self._buffer.clear()
        return found

    @property
    def has_begun(self) -> bool:
        """Whether a request has begun to arrive."""
        return bool(self._buffer)

    def _next_head(self) -> Request | NeedData | Closed:
        # Section 2.2: "SHOULD ignore at least one empty line (CRLF) received prior to the request-line".
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, limits.REQUEST_LINE + limits.HEADERS)
        if end < 0:
            return self._unfinished_head()
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        request = parse_request(head)
        self._body, self._ended = body_of(request), False
        self.request = request
        self.keeps_alive = request.keeps_alive
        return request

    def _unfinished_head(self) -> NeedData | Closed:
        if self._buffer and not (self._buffer[0] == 13 or chr(self._buffer[0]).isalpha()):
            raise Malformed(400, "does not speak HTTP")  # TLS on the wrong port, mostly: it need not wait
        if b"\r\n" not in self._buffer[: limits.REQUEST_LINE + 2] and len(self._buffer) > limits.REQUEST_LINE:
            raise Malformed(414, f"its first line is longer than {limits.REQUEST_LINE} bytes")
        if len(self._buffer) >= limits.REQUEST_LINE + limits.HEADERS:
            raise Malformed(431, f"has more than {limits.HEADERS} bytes of header fields")
        if self._hung_up:
            if self._buffer:
                raise Malformed(400, "ends within its head")
            return CLOSED
        return NEED_DATA

    def _next_of_body(self) -> Data | EndOfBody | NeedData:
        data = self._body.take(self._buffer)
        if data:
            return Data(data)
        if self._body.done:
            self._ended = True
            return END_OF_BODY
        if self._hung_up:
            # Section 8: "... a message body that was ... received partially is considered incomplete".
            raise Malformed(400, "ends within its body")
        return NEED_DATA

    def respond(
        self, status: int, headers: Iterable[tuple[str, str]], length: int | None, *, chunked: bool = False
    ) -> bytes:
        """The head of the answer. ``length`` of its body, None for one that ends with the connection, or comes in
        chunks; without a whole request body read, the connection ends as well."""
        request = self.request
        if (length is None and not chunked) or request is None or self.body_left != 0:
            self.keeps_alive = False
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
        lines.extend(f"{name}: {value}" for name, value in headers)
        if not all((line.isascii() and line.isprintable()) or _is_clean(line) for line in lines):
            raise ValueError("an answer's head must not hold control characters")
        # RFC 9110 section 8.6: no Content-Length in a 204 (nor a 1xx); a 304's would be the document's.
        if length is not None and status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        if not self.keeps_alive:
            lines.append("Connection: close")
        elif request is not None and request.minor == 0:
            lines.append("Connection: keep-alive")
        self.request = None
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _is_clean(line: str) -> bool:
    """Whether a line of Latin-1 holds no control characters."""
    return all(32 <= ord(char) < 127 or ord(char) >= 160 for char in line)
