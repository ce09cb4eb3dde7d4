"""ttrpc: remote calls over one stream, without HTTP.

A frame is a header of ten bytes (big endian: length of what follows, number of the call's stream, kind, flags) and its
message. A call is a REQUEST on a new odd stream and a RESPONSE on the same one; answers come in any order.
containerd/ttrpc, PROTOCOL.md. Streaming calls (kind DATA) are no part of the shim's services.
"""

from __future__ import annotations

from struct import Struct

from rung.spec.protobuf import Message, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = Struct(">IIBB")
#: "The maximum size of a message": whatever announces more is no ttrpc.
LARGEST = 4 << 20
REQUEST, RESPONSE = 1, 2

# google.rpc.Code
OK, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED = 0, 2, 3, 4
NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, UNIMPLEMENTED = 5, 6, 9, 12


class BadFrame(ValueError):
    """Bytes that are no ttrpc: the connection cannot go on."""


class Pair(Message):
    """One word about a call, as a header of HTTP."""

    key: str = field(1)
    value: str = field(2)


class Request(Message):
    """A call: ``timeout_nano`` 0 is none."""

    service: str = field(1)
    method: str = field(2)
    payload: bytes = field(3)
    timeout_nano: int = field(4)
    metadata: list[Pair] = field(5, Pair)


class Status(Message):
    """google.rpc.Status: how a call went."""

    code: int = field(1)
    message: str = field(2)


class Response(Message):
    """What a call comes to."""

    status: Status | None = field(1, Status)
    payload: bytes = field(2)


class RemoteError(Exception):
    """The other side's answer to a call that failed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def frame(stream: int, kind: int, message: bytes) -> bytes:
    """A message as it travels."""
    return _HEADER.pack(len(message), stream, kind, 0) + message


def answer(stream: int, payload: bytes = b"", code: int = OK, message: str = "") -> bytes:
    """The frame that answers the call on ``stream``."""
    status = Status(code=code, message=message) if code else Status()
    return frame(stream, RESPONSE, Response(status=status, payload=payload).encode())


def payload_of(response: bytes) -> bytes:
    """What a response brings. Raises ``RemoteError`` where the call failed."""
    found = Response.decode(response)
    if found.status is not None and found.status.code:
        raise RemoteError(found.status.code, found.status.message)
    return found.payload


class Frames:
    """Bytes as they arrive, frames as they are whole."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """``(stream, kind, message)`` of every frame that ``data`` completes. Raises ``BadFrame``."""
        self._waiting += data
        while len(self._waiting) >= _HEADER.size:
            length, stream, kind, _ = _HEADER.unpack_from(self._waiting)
            if length > LARGEST:
                raise BadFrame(f"a message of {length} bytes, where {LARGEST} are the most")
            end = _HEADER.size + length
            if len(self._waiting) < end:
                return
            message = bytes(self._waiting[_HEADER.size : end])
            del self._waiting[:end]
            yield stream, kind, message
