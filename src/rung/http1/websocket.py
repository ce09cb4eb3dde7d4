"""The server's side of a websocket, RFC 6455: bytes in, events out; nothing here reads or writes.

Rule: what a client must not send ends the connection with a code of section 7.4.1, never repaired. A message is
not put together: its pieces are handed on as they come, for what is carried here is a stream.
"""

from __future__ import annotations

import codecs
from base64 import b64decode, b64encode
from binascii import Error

from rung.http1.errors import Malformed
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.http1.head import Request

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR, NO_STATUS, BAD_DATA, FAILED = 1000, 1002, 1005, 1007, 1011
#: Section 1.3: what an answered key ends with before it is hashed.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Section 5.5.
_CONTROL_LIMIT = 125
_FIN, _RESERVED, _MASKED = 0x80, 0x70, 0x80


class Piece(Record):
    """Part of a message."""

    data: bytes


class Ping(Record):
    """To be answered with a pong of the same data."""

    data: bytes


class Close(Record):
    """The client says no more."""

    code: int
    reason: str = ""


class Broken(Exception):
    """The client does not speak the protocol: close with ``code``."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def accepted(key: str) -> str:
    """``Sec-WebSocket-Accept``: section 4.2.2."""
    from hashlib import sha1

    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def handshake(request: Request) -> tuple[str, ...]:
    """The lines of the answer: section 4.2. Raises ``Malformed``."""
    key = request.get("sec-websocket-key").strip()
    if "websocket" not in _words(request, "upgrade") or "upgrade" not in _words(request, "connection"):
        raise Malformed(400, "is no websocket's: it has no Upgrade: websocket")
    if request.get("sec-websocket-version").strip() != "13":
        raise Malformed(400, "is of another version of websockets than 13")
    try:
        length = len(b64decode(key, validate=True))
    except Error:
        length = 0
    if length != 16:
        raise Malformed(400, "has no Sec-WebSocket-Key of 16 bytes")
    return (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accepted(key)}",
    )


def _words(request: Request, name: str) -> list[str]:
    return [word.strip().lower() for line in request.all(name) for word in line.split(",")]


def frame(opcode: int, data: bytes) -> bytes:
    """A whole message in one frame, not masked, as a server sends it."""
    size = len(data)
    if size < 126:
        length = bytes((size,))
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes((_FIN | opcode,)) + length + data


def close(code: int) -> bytes:
    """A frame that ends the connection."""
    return frame(CLOSE, b"" if code == NO_STATUS else code.to_bytes(2, "big"))


class Frames:
    """What a client sends. ``feed`` raises ``Broken``."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._over = False
        self._opcode = -1  # of the frame whose payload comes
        self._left = self._at = 0
        self._mask = b""
        self._message = 0  # kind of the message that is not over
        self._final = True
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes) -> Iterator[Piece | Ping | Close]:
        """What has come to an end, or further, by these bytes. Nothing comes behind a ``Close``."""
        self._buffer += data
        while not self._over:
            if self._opcode < 0 and not self._head():
                return
            if self._opcode >= CLOSE:
                if len(self._buffer) < self._left:
                    return
                yield from self._control(self._opcode, self._take())
            else:
                had = self._left
                piece = self._take()
                self._check_text(piece)
                if piece:
                    yield Piece(piece)
                elif had:
                    return

    def _head(self) -> bool:
        """Read a frame's head: section 5.2. Whether it is all there."""
        if len(self._buffer) < 2:
            return False
        first, second = self._buffer[0], self._buffer[1]
        opcode, size = first & 15, second & 127
        self._check_first(first, opcode, size)
        if not second & _MASKED:
            raise Broken(PROTOCOL_ERROR, "a client's frames are masked")
        more = {126: 2, 127: 8}.get(size, 0)
        if len(self._buffer) < 6 + more:
            return False
        if more:
            size = int.from_bytes(self._buffer[2 : 2 + more], "big")
            if size < (126 if more == 2 else 1 << 16) or size >> 63:
                raise Broken(PROTOCOL_ERROR, "a length is written as short as it can be")
        self._mask = bytes(self._buffer[2 + more : 6 + more])
        del self._buffer[: 6 + more]
        self._opcode, self._left, self._at = opcode, size, 0
        if opcode < CLOSE:
            self._message, self._final = opcode or self._message, bool(first & _FIN)
        return True

    def _check_first(self, first: int, opcode: int, size: int) -> None:
        if first & _RESERVED:
            raise Broken(PROTOCOL_ERROR, "no extension was agreed on")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Broken(PROTOCOL_ERROR, f"there is no opcode {opcode}")
        if opcode >= CLOSE and (size > _CONTROL_LIMIT or not first & _FIN):
            raise Broken(PROTOCOL_ERROR, "a control frame is short, and whole")
        if opcode < CLOSE and (opcode == CONTINUATION) == self._final:
            raise Broken(PROTOCOL_ERROR, "a message begins when the one before it is over")

    def _take(self) -> bytes:
        """What there is of the payload, unmasked: section 5.3."""
        size = min(self._left, len(self._buffer))
        turn = self._at % 4
        mask = (self._mask[turn:] + self._mask[:turn]) * (size // 4 + 1)
        found = int.from_bytes(self._buffer[:size], "big") ^ int.from_bytes(mask[:size], "big")
        del self._buffer[:size]
        self._left -= size
        self._at += size
        if not self._left:
            self._opcode = -1
        return found.to_bytes(size, "big")

    def _check_text(self, piece: bytes) -> None:
        if self._message != TEXT:
            return
        try:
            self._decoder.decode(piece, self._final and not self._left)
        except UnicodeDecodeError:
            raise Broken(BAD_DATA, "a text is UTF-8") from None

    def _control(self, opcode: int, data: bytes) -> Iterator[Ping | Close]:
        if opcode == PING:
            yield Ping(data)
        elif opcode == CLOSE:
            self._over = True
            yield _closed(data)


def _closed(data: bytes) -> Close:
    """Section 5.5.1, and the codes of section 7.4."""
    if not data:
        return Close(NO_STATUS)
    code = int.from_bytes(data[:2], "big")
    if len(data) < 2 or not (code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code < 5000):
        raise Broken(PROTOCOL_ERROR, "a close has a code that may be sent")
    try:
        return Close(code, data[2:].decode())
    except UnicodeDecodeError:
        raise Broken(BAD_DATA, "a reason is UTF-8") from None
