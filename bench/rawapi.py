"""Docker's API without a client in between: one connection that is kept, no headers that nobody needs.

What is measured through it is the engine; docker's own client costs 20 ms and more before its first byte.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import measure

_READ_BYTES = 1 << 20
_TIMEOUT_S = 120.0


class _Unix(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """One connection to the engine at ``path``."""

    def __init__(self, path: Path) -> None:
        self._connection = _Unix(str(path))

    def ask(self, method: str, target: str, document: object = None) -> Any:
        """The answer's document, or its text. Raises ``measure.Failed``."""
        body = None if document is None else json.dumps(document)
        headers = {"Content-Type": "application/json"} if body else {}
        self._connection.request(method, target, body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise measure.Failed(f"{method} {target}: {answer.status} {said.decode(errors='replace').strip()}")
        return json.loads(said) if said[:1] in (b"{", b"[") else said

    def put(self, target: str, path: Path) -> None:
        """POST a file, and take all of the answer."""
        with open(path, "rb") as file:
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(path.stat().st_size)}
            self._connection.request("POST", target, file, headers)
            answer = self._connection.getresponse()
            said = answer.read()
        if answer.status >= 400 or b'"error"' in said:
            raise measure.Failed(f"POST {target}: {answer.status} {said.decode(errors='replace').strip()}")

    def count(self, target: str) -> int:
        """The bytes of an answer, which is thrown away."""
        self._connection.request("GET", target)
        answer = self._connection.getresponse()
        into, found = bytearray(_READ_BYTES), 0
        while size := answer.readinto(into):
            found += size
        return found

    def create(self, image: str, command: list[str], **host: object) -> str:
        """A container without a network: its id."""
        request = {"Image": image, "Cmd": command, "HostConfig": {"NetworkMode": "none", **host}}
        return str(self.ask("POST", "/containers/create", request)["Id"])

    def start(self, container: str) -> None:
        """Start it."""
        self.ask("POST", f"/containers/{container}/start")

    def wait(self, container: str) -> None:
        """Until it has ended, well."""
        found = self.ask("POST", f"/containers/{container}/wait")
        if found["StatusCode"]:
            raise measure.Failed(f"container {container[:12]} ended with {found['StatusCode']}")

    def remove(self, container: str) -> None:
        """Remove it, whatever it does."""
        self.ask("DELETE", f"/containers/{container}?force=1")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
