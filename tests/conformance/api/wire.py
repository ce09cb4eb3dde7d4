"""One request over a unix socket, its target and its body sent exactly as given."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def value(self) -> Any:
        """The body: JSON, several JSON documents, or text."""
        text = self.body.decode("utf-8", "replace")
        try:
            return json.loads(text) if text.strip() else ""
        except ValueError:
            pass
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            return text


def ask(
    place: Path, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """``body``: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {"Host": "docker", "Connection": "close", **(headers or {})}
    if body is not None:
        lines.setdefault("Content-Type", "application/json")
    if body is not None or method == "POST":
        lines.setdefault("Content-Length", str(len(data)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(str(place))
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + data)
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        found = answer.read() if answer.status != 101 else _rest(connection)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, found)


def _rest(connection: socket.socket) -> bytes:
    found = bytearray()
    while data := connection.recv(1 << 16):
        found += data
    return bytes(found)
