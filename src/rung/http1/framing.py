"""Where a message's body ends: RFC 9112 sections 6 and 7.

Rule: there is one way to read a length or there is none. Both lengths at once, a length
given twice, a coding that is not exactly ``chunked``: refused, never repaired.
"""

from __future__ import annotations

from rung.http1 import limits
from rung.http1.errors import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.http1.head import Request, Response

# Sets and not regular expressions: ``import re`` takes longer than a command has on its way to the engine.
_HEX = b"0123456789ABCDEFabcdef"
#: As many digits as are surely no mistake.
_LONGEST, _LONGEST_HEX = 18, 15


#: RFC 9110 section 5.5: field-vchar = VCHAR / obs-text, with blanks between.
VALUE = bytes((9, *range(0x20, 0x7F), *range(0x80, 0x100)))


class Length:
    """A body of so many bytes (none is a body of 0)."""

    def __init__(self, size: int) -> None:
        self.left = size

    @property
    def done(self) -> bool:
        return self.left == 0

    @property
    def direct(self) -> int:
        """Bytes of the body that follow each other, whatever they are."""
        return self.left

    def passed(self, size: int) -> None:
        """So many of them went another way."""
        self.left -= size

    def take(self, buffer: bytearray) -> bytes:
        """What of the buffer belongs to the body; it is removed from the buffer."""
        size = min(self.left, len(buffer))
        data = bytes(buffer[:size])
        del buffer[:size]
        self.left -= size
        return data


class UntilClosed:
    """A response's body that ends with the connection: section 6.3, the last rule."""

    done = False
    left = None
    direct = 1 << 62

    def passed(self, size: int) -> None:
        """However many: there is no count."""

    def take(self, buffer: bytearray) -> bytes:
        """All of the buffer, which is emptied."""
        data = bytes(buffer)
        buffer.clear()
        return data


class Chunked:
    """A body in chunks: section 7.1."""

    def __init__(self) -> None:
        self.done = False
        self._left = 0
        self._in_chunk = False
        self._last = False
        self._trailers = 0

    @property
    def left(self) -> int | None:
        """Only the last chunk says."""
        return 0 if self.done else None

    @property
    def direct(self) -> int:
        """What is left of one chunk."""
        return self._left

    def passed(self, size: int) -> None:
        """So many bytes of the chunk went another way."""
        self._left -= size

    def take(self, buffer: bytearray) -> bytes:
        """The next bytes of the body, as many as the buffer has of one chunk; what was read is
        removed from the buffer. Raises ``Malformed``."""
        while not self.done:
            if self._left:
                size = min(self._left, len(buffer))
                data = bytes(buffer[:size])
                del buffer[:size]
                self._left -= size
                return data
            line = self._line(buffer)
            if line is None:
                return b""
            self._read(line)
        return b""

    def _line(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(b"\r\n", 0, limits.CHUNK_LINE)
        if end < 0:
            if len(buffer) >= limits.CHUNK_LINE:
                raise Malformed(400, "has a chunk whose first line does not end")
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line

    def _read(self, line: bytes) -> None:
        if self._in_chunk:  # chunk-data is followed by CRLF
            if line:
                raise Malformed(400, "has a chunk that is longer than it says")
            self._in_chunk = False
        elif self._last:  # trailer fields, up to an empty line
            self._trailers += len(line)
            if self._trailers > limits.TRAILERS:
                raise Malformed(431, "has too many trailer fields")
            self.done = not line
        else:
            self._left = _size(line)
            self._last = self._left == 0
            self._in_chunk = not self._last


def _is_number(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isascii() and text.isdigit()


def _size(line: bytes) -> int:
    """A chunk's first line: hexadecimal digits, and after blanks and a semicolon what nobody here asks for."""
    digits, _, extension = line.partition(b";")
    digits = digits.rstrip(b" \t")
    if not 0 < len(digits) <= _LONGEST_HEX or digits.translate(None, _HEX) or extension.translate(None, VALUE):
        raise Malformed(400, f"{line[:40]!r} is no size of a chunk")
    return int(digits, 16)


def body_of(request: Request) -> Length | Chunked:
    """How the body of a request is framed (section 6.3). Raises ``Malformed``."""
    return _framing(request) or Length(0)


def body_of_response(response: Response, method: str) -> Length | Chunked | UntilClosed:
    """How the body of the response to a ``method`` is framed (section 6.3). Raises ``Malformed``."""
    # "Any response to a HEAD request and any response with a 1xx ..., 204 ..., or 304 ... status code is always
    # terminated by the first empty line after the header fields"; behind a 101 another protocol begins.
    if method == "HEAD" or response.status < 200 or response.status in (204, 304):
        return Length(0)
    # "Any 2xx (Successful) response to a CONNECT request implies that the connection will become a tunnel".
    if method == "CONNECT" and response.status < 300:
        return Length(0)
    return _framing(response) or UntilClosed()


def _framing(message: Request | Response) -> Length | Chunked | None:
    codings = message.all("transfer-encoding")
    lengths = message.all("content-length")
    if codings:
        if lengths or message.minor == 0:
            # "... ought to be handled as an error": what one hop takes for a body is another's next request.
            raise Malformed(400, "says the length of its body in two ways")
        if [each.lower() for each in codings] != ["chunked"]:
            raise Malformed(501, f'its body is coded as "{message.get("transfer-encoding")[:60]}"')
        return Chunked()
    if not lengths:
        return None
    if len(lengths) > 1 or not _is_number(lengths[0]):
        raise Malformed(400, f'"{message.get("content-length")[:60]}" is no length of a body')
    return Length(int(lengths[0]))
