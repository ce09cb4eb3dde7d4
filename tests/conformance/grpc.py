"""One unary gRPC call at a time over a unix socket: HTTP/2 by h2, messages by ``rung.spec``.

gRPC over HTTP/2 (grpc/grpc, doc/PROTOCOL-HTTP2.md): a message is a byte that says whether it is compressed, its length
in four, and itself; how the call ended stands in the trailers.
"""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

DEADLINE_EXCEEDED = 4


class GrpcError(Exception):
    """A call that was answered with something else than 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def call(address: Path, path: str, payload: bytes, timeout_s: float) -> bytes:
    """The answer of ``/SERVICE/METHOD``. Raises ``GrpcError``, and ``OSError`` where nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(address))
        return _Call(connection, path).answer(b"\0" + len(payload).to_bytes(4, "big") + payload)


class _Call:
    def __init__(self, connection: socket.socket, path: str) -> None:
        self._connection = connection
        self._http = H2Connection(H2Configuration(header_encoding="utf-8"))
        self._http.initiate_connection()
        self._http.send_headers(
            1,
            [
                *((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost")),
                *(("content-type", "application/grpc"), ("te", "trailers")),
            ],
        )
        self._body = bytearray()
        self._ended = False
        self._headers: dict[str, str] = {}

    def answer(self, message: bytes) -> bytes:
        while message:
            size = min(self._http.local_flow_control_window(1), self._http.max_outbound_frame_size, len(message))
            if size:
                self._http.send_data(1, message[:size], end_stream=size == len(message))
                message = message[size:]
                self._send()
            else:
                self._receive()
        while not self._ended:
            self._receive()
        code = int(self._headers.get("grpc-status", "2"))
        if code:
            raise GrpcError(code, unquote(self._headers.get("grpc-message", "")))
        assert self._body[:1] == b"\0" and len(self._body) == 5 + int.from_bytes(self._body[1:5], "big")
        return bytes(self._body[5:])

    def _send(self) -> None:
        self._connection.sendall(self._http.data_to_send())

    def _receive(self) -> None:
        data = self._connection.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the server has closed the connection")
        for event in self._http.receive_data(data):
            if isinstance(event, ResponseReceived | TrailersReceived):
                self._headers |= {str(name): str(value) for name, value in event.headers}
            elif isinstance(event, DataReceived):
                self._body += event.data
                self._http.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, StreamEnded):
                self._ended = True
            elif isinstance(event, StreamReset | ConnectionTerminated):
                raise ConnectionResetError(f"the server has ended the call: {event}")
        self._send()
