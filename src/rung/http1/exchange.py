"""A client's view of one request on a connection: the bytes of a server in, what they say out.

    Response --Data...--> EndOfBody          or, behind a 101, ``rest``: the new protocol's bytes

Rule: an exchange is one request; the next one on the same connection (where ``may_follow`` allows it) is another.
A client on a unix socket keeps none: connecting costs less than the request, and it never meets a connection that
the server is just closing. Large bodies need not come this way: ``direct`` says how many bytes may be read where
they are wanted.
"""

from __future__ import annotations

from rung.http1 import limits
from rung.http1.connection import END_OF_BODY, NEED_DATA, Data
from rung.http1.errors import Malformed
from rung.http1.framing import Length, UntilClosed, body_of_response
from rung.http1.head import is_token, parse_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.http1.connection import EndOfBody, NeedData
    from rung.http1.framing import Chunked
    from rung.http1.head import Response

LAST_CHUNK = b"0\r\n\r\n"


class Exchange:
    """One request's response."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._buffer = bytearray()
        self._body: Length | Chunked | UntilClosed | None = None
        self._hung_up = self._keeps_alive = False
        self._interim = 0

    @property
    def has_begun(self) -> bool:
        """Whether any of the answer has come."""
        return bool(self._buffer) or self._body is not None or self._interim > 0

    def receive(self, data: bytes | memoryview) -> None:
        """Bytes from the server; none is the end of its sending."""
        if data:
            self._buffer += data
        else:
            self._hung_up = True

    def next_event(self) -> Response | Data | EndOfBody | NeedData:
        """What has happened next. Raises ``Malformed``."""
        return self._next_head() if self._body is None else self._next_of_body(self._body)

    @property
    def direct(self) -> int:
        """So many of the body's next bytes may be read around this, to be ``passed``; none where some wait here."""
        return 0 if self._buffer or self._body is None else self._body.direct

    def passed(self, size: int) -> None:
        """The next bytes of the body, no more than are ``direct``, were read elsewhere."""
        assert self._body is not None
        self._body.passed(size)

    @property
    def left(self) -> int | None:
        """Bytes of the body that are to come yet; None where nobody knows."""
        return self._body.left if self._body is not None else None

    @property
    def ends_with_connection(self) -> bool:
        """Whether the server ends the body by hanging up."""
        return isinstance(self._body, UntilClosed)

    @property
    def may_follow(self) -> bool:
        """Whether the connection may carry another request: this one is over, and nothing came unasked."""
        return self.left == 0 and self._keeps_alive and not self._buffer

    def rest(self) -> bytes:
        """What came behind a 101."""
        found = bytes(self._buffer)
        self._buffer.clear()
        return found

    def _next_head(self) -> Response | NeedData:
        while True:
            end = self._buffer.find(b"\r\n\r\n", 0, limits.HEADERS)
            if end < 0:
                if self._hung_up:
                    raise Malformed(502, "is not answered: the server has hung up")
                if len(self._buffer) >= limits.HEADERS:
                    raise Malformed(502, f"is answered with more than {limits.HEADERS} bytes of header fields")
                return NEED_DATA
            response = parse_response(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            # RFC 9110 section 15.2: "A client MUST be able to parse one or more 1xx responses received prior to
            # a final response"; 101 is final here.
            if response.status == 101 or response.status >= 200:
                self._body = body_of_response(response, self._method)
                self._keeps_alive = response.keeps_alive
                return response
            self._interim += 1
            if self._interim > limits.INTERIM:
                raise Malformed(502, "is answered with announcements without end")

    def _next_of_body(self, body: Length | Chunked | UntilClosed) -> Data | EndOfBody | NeedData:
        data = body.take(self._buffer)
        if data:
            return Data(data)
        if body.done or (self._hung_up and isinstance(body, UntilClosed)):
            return END_OF_BODY
        if self._hung_up:
            raise Malformed(502, "is answered with a body that ends too soon")
        return NEED_DATA


def request_head(method: str, target: str, headers: Iterable[tuple[str, str]], length: int | None) -> bytes:
    """The head of a request to a unix socket; ``length`` of its body, None for one that comes in chunks. Raises
    ``Malformed``."""
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    return request_bytes(method, target, [("Host", "rung"), *headers, framing])


def request_bytes(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A request up to its body, of which the headers say the length. Raises ``Malformed``."""
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers:
        if not is_token(name):
            raise Malformed(400, f"{name!r:.60} is no header field's name")
        lines.append(f"{name}: {value}")
    if " " in target or any(not (32 <= ord(c) < 127) for line in lines for c in line):
        raise Malformed(400, "holds a control character, or one beyond ASCII, in its head")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def chunk(data: bytes) -> bytes:
    """Some of a body that comes in chunks (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
