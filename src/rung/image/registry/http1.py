"""HTTP/1.1 as bytes: requests out, heads and the framing of bodies in. No I/O.

RFC 9112. Rule: what could be read in two ways is refused. Why not ``http.client``: it
parses heads with the ``email`` package, whose import costs more than a small pull, and
copies every body twice.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_LIMIT = 64 << 10
LINE_LIMIT = 4096
#: How a body ends, where no length is announced.
CHUNKED, UNTIL_CLOSE = -1, -2

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HEX = frozenset("0123456789abcdefABCDEF")
_SIZE_LIMIT = 1 << 62


class ProtocolError(Exception):
    """What came is not HTTP, or ended in the middle. Another try may mend it."""


class Head(Record):
    """An answer's status and headers, names in lower case, repeated ones joined (RFC 9110 section 5.3)."""

    version: str
    status: int
    headers: dict[str, str]

    @property
    def keeps_open(self) -> bool:
        """Whether the connection may carry another request afterwards (RFC 9112 section 9.3)."""
        options = {option.strip().lower() for option in self.headers.get("connection", "").split(",")}
        return "keep-alive" in options if self.version == "HTTP/1.0" else "close" not in options


def request(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """A request up to its body. Raises ``ValueError`` where something would end a line early."""
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not _TOKEN.issuperset(name) or not name:
            raise ValueError(f"{name!r} is not the name of a header")
        lines.append(f"{name}: {value}")
    if " " in target or any(ord(c) < 32 or ord(c) == 127 for line in lines for c in line):
        raise ValueError("a request must not hold control characters")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def parse_head(data: bytes) -> Head:
    """``data``: everything before the empty line."""
    first, *lines = data.decode("latin-1").split("\n")
    version, _, rest = first.rstrip("\r").partition(" ")
    code = rest.partition(" ")[0]
    if not version.startswith("HTTP/1.") or len(code) != 3 or not code.isdigit() or not "100" <= code <= "599":
        raise ProtocolError(f"does not answer in HTTP: {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.rstrip("\r").partition(":")
        # Section 5.2: a line that begins with a blank went on from the one before; refused.
        if not colon or not name or not _TOKEN.issuperset(name):
            raise ProtocolError(f"answers with a header that is none: {line[:60]!r}")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(version, int(code), headers)


def body_length(method: str, head: Head) -> int:
    """The body's bytes, ``CHUNKED`` or ``UNTIL_CLOSE`` (section 6.3)."""
    if method == "HEAD" or head.status < 200 or head.status in (204, 304):
        return 0
    length = head.headers.get("content-length")
    if coding := head.headers.get("transfer-encoding"):
        if coding.lower() != "chunked" or length is not None:
            raise ProtocolError(f"frames its answer as {coding[:60]!r}, which is not understood")
        return CHUNKED
    if length is None:
        return UNTIL_CLOSE
    values = {one.strip() for one in length.split(",")}
    value = values.pop()
    if values or not value.isdigit() or not value.isascii() or len(value) > 19 or int(value) > _SIZE_LIMIT:
        raise ProtocolError(f"announces a length that is none: {length[:60]!r}")
    return int(value)


def chunk_size(line: bytes) -> int:
    """The size in a chunk's first line (section 7.1); extensions are passed over."""
    text = line.split(b";", 1)[0].strip().decode("latin-1")
    if not 0 < len(text) <= 15 or not _HEX.issuperset(text):
        raise ProtocolError(f"sends a chunk whose size is none: {line[:60]!r}")
    return int(text, 16)
