"""One connection to the engine, on a blocking socket. Its twin is in ``aio/``."""

from __future__ import annotations

import contextlib
import socket
import time

from rung.client.errors import unreachable

_PIECE = 1 << 16


class Link:
    """Bytes to the engine and from it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    @classmethod
    def open(cls, path: str) -> Link:
        """Raises ``Unreachable``."""
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(path)
        except OSError as error:
            connected.close()
            raise unreachable(path, error) from None
        return cls(connected)

    def send(self, data: bytes) -> None:
        """Raises ``ConnectionError`` where the engine takes no more."""
        self._socket.settimeout(None)
        self._socket.sendall(data)

    def receive(self, deadline: float | None = None) -> bytes:
        """What has come, none at the end. Raises ``TimeoutError`` at ``deadline`` (``time.monotonic``)."""
        if deadline is not None and deadline <= time.monotonic():
            raise TimeoutError
        self._socket.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
        return self._socket.recv(_PIECE)

    def end(self) -> None:
        """Say that no more will be sent; what comes is still received."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """At once; twice is once."""
        self._socket.close()
