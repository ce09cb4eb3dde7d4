"""A message's head: its first line and its header fields.

Rule: strict. RFC 9112 lets a recipient forgive (a bare LF, folded lines, blanks before the
colon); each of these has been used to make two parsers see two different requests, and no
client of ours sends them.
"""

from __future__ import annotations

from rung.http1 import limits
from rung.http1.errors import Malformed
from rung.http1.framing import VALUE
from rung.record import Record

# Sets and not regular expressions: ``import re`` takes longer than a command has on its way to the engine.
# RFC 9110 section 5.6.2: token = 1*tchar
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# RFC 9112 section 3: no blanks or controls in the target.
_TARGET = bytes(range(0x21, 0x7F))
_DIGITS = b"0123456789"


class Fields:
    """What a request and a response have in common. Names are lower case, in the order they came."""

    minor: int
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every field line of that (lower case) name."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        """The field's value, its lines joined as RFC 9110 section 5.3 has it; empty where absent."""
        return ", ".join(self.all(name))

    def has_token(self, name: str, token: str) -> bool:
        """Whether a comma separated field lists ``token``."""
        return any(each.strip().lower() == token for each in self.get(name).split(","))

    @property
    def keeps_alive(self) -> bool:
        """RFC 9112 section 9.3: persistent in 1.1 unless it says close; in 1.0 only if it says keep-alive."""
        stays = self.minor >= 1 or self.has_token("connection", "keep-alive")
        return stays and not self.has_token("connection", "close")


class Request(Record, Fields):
    """A request without its body."""

    method: str
    target: str
    minor: int
    headers: tuple[tuple[str, str], ...]


class Response(Record, Fields):
    """A response without its body."""

    status: int
    reason: str
    minor: int
    headers: tuple[tuple[str, str], ...]


def parse_request(head: bytes) -> Request:
    """The head of a request: all up to the empty line, which is not in it. Raises ``Malformed``."""
    first, _, rest = head.partition(b"\r\n")
    if len(first) > limits.REQUEST_LINE:
        raise Malformed(414, f"its first line is longer than {limits.REQUEST_LINE} bytes")
    method, target, major, minor = _request_line(first)
    if major != b"1":
        raise Malformed(505, f"HTTP/{major.decode()} is not spoken here")
    headers = _fields(rest)
    request = Request(method.decode(), _origin_form(target.decode()), int(minor), headers)
    _check_host(request)
    return request


def parse_response(head: bytes) -> Response:
    """The head of a response: all up to the empty line, which is not in it. Raises ``Malformed``."""
    first, _, rest = head.partition(b"\r\n")
    # Section 4; the reason may be empty, and some servers leave out the blank before it.
    version, _, rest_of_line = first.partition(b" ")
    status, _, reason = rest_of_line.partition(b" ")
    if (
        len(version) != 8 or version[:7] != b"HTTP/1." or version[7:].translate(None, _DIGITS)
        or len(status) != 3 or status.translate(None, _DIGITS) or status[:1] == b"0" or reason.translate(None, VALUE)
    ):  # fmt: skip
        raise Malformed(502, f"{first[:60]!r} is no status line")
    return Response(int(status), reason.decode("latin-1"), int(version[7:]), _fields(rest))


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Section 3: exactly one space between the three parts."""
    parts = line.split(b" ")
    if len(parts) == 3:
        method, target, version = parts
        major, minor = version[5:6], version[7:]
        if (
            method and not method.translate(None, _TOKEN)
            and target and not target.translate(None, _TARGET)
            and version == b"HTTP/%b.%b" % (major, minor) and len(version) == 8 and (major + minor).isdigit()
        ):  # fmt: skip
            return method, target, major, minor
    raise Malformed(400, f"{line[:60]!r} is no request line")


def is_token(name: str) -> bool:
    """Whether it may be a header field's name, or a method."""
    return bool(name) and name.isascii() and not name.encode().translate(None, _TOKEN)


def _fields(block: bytes) -> tuple[tuple[str, str], ...]:
    lines = block.split(b"\r\n") if block else []
    if len(lines) > limits.HEADER_COUNT:
        raise Malformed(431, f"has more than {limits.HEADER_COUNT} header fields")
    return tuple(_field(line) for line in lines)


def _field(line: bytes) -> tuple[str, str]:
    if line[:1] in (b" ", b"\t"):
        # Section 5.2: "A server that receives an obs-fold ... MUST either reject the message ..."
        raise Malformed(400, "has a folded header line")
    name, colon, value = line.partition(b":")
    # Section 5.1: "No whitespace is allowed between the field name and colon ... MUST reject".
    if not colon or not name or name.translate(None, _TOKEN):
        raise Malformed(400, f"{name[:60]!r} is no header field's name")
    if value.translate(None, VALUE):
        raise Malformed(400, f"header field {name.decode()} holds a control character")
    return name.decode().lower(), value.strip(b" \t").decode("latin-1")


def _origin_form(target: str) -> str:
    """Section 3.2.2: "a server MUST accept the absolute-form in requests"."""
    if target[0] == "/" or target == "*":
        return target
    scheme, colon, rest = target.partition("://")
    if scheme.lower() in ("http", "https") and colon:
        ends = [at for at in map(rest.find, "/?#@") if at >= 0]
        end = min(ends, default=len(rest))
        if end:
            path = rest[end:]
            return path if path.startswith("/") else f"/{path}"
    raise Malformed(400, f"{target[:60]!r} is no path")


def _check_host(request: Request) -> None:
    # Section 3.2: "A server MUST respond with a 400 ... to any HTTP/1.1 request message that lacks a
    # Host header field and ... that contains more than one Host header field line".
    hosts = request.all("host")
    if len(hosts) > 1 or (request.minor >= 1 and not hosts):
        raise Malformed(400, f"has {len(hosts)} Host fields where it must have one")
