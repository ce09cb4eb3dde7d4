"""An engine that says what it was told to: one recorded answer for each connection, in turn."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from rung import jsonc

PATIENCE_S = 60.0


def answer(document: object = None, status: int = 200, *, headers: str = "") -> bytes:
    """An answer with a JSON document, as Docker's API gives it."""
    body = b"" if document is None else jsonc.dumps(document).encode() + b"\n"
    return f"HTTP/1.1 {status} Said\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def streamed(*pieces: bytes, kind: str = "application/json") -> bytes:
    """An answer in chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


def hijacked(*frames: tuple[int, bytes]) -> bytes:
    """A connection that has become the streams of a container."""
    head = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n"
    return head + b"".join(bytes((n, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for n, data in frames)


class FakeEngine:
    """``requests`` are what came: first line and body. Those without an answer left find nobody."""

    def __init__(self, folder: Path, *answers: bytes) -> None:
        self.path = str(folder / "engine.sock")
        self.requests: list[tuple[str, bytes]] = []
        self._answers = answers
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.settimeout(PATIENCE_S)
        self._listening.bind(self.path)
        self._listening.listen(16)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for each in self._answers:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client:
                client.settimeout(PATIENCE_S)
                self.requests.append(_request(client))
                client.sendall(each)

    def close(self) -> None:
        """All that was to be asked has been."""
        self._thread.join(PATIENCE_S)
        self._listening.close()


def _request(client: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(4096)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = head.lower().decode().split("\r\n")
    length = next((int(line.split(":")[1]) for line in fields if line.startswith("content-length:")), None)
    while len(body) < length if length is not None else not body.endswith(b"0\r\n\r\n"):
        body += client.recv(4096)
    return head.split(b" HTTP/")[0].decode(), body
