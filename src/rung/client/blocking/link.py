"""One connection to the engine, on a blocking socket. Its twin is in ``aio/``."""

from __future__ import annotations

import contextlib
import select
import socket
import time

from rung.client.errors import unreachable

_PIECE = 1 << 16


class Link:
    """Bytes to the engine and from it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._feed = memoryview(b"")

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
        while self._feed and not self._readable(deadline):
            self._push()
        self._socket.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
        return self._socket.recv(_PIECE)

    def feed(self, data: bytes) -> None:
        """All that will be sent: it goes out while ``receive`` waits, so that neither side waits for the other."""
        self._feed = memoryview(data)
        if not data:
            self.end()

    def _readable(self, deadline: float | None) -> bool:
        """Whether something has come before there was room to send. Raises ``TimeoutError``."""
        left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLOUT)
        happened = poll.poll(None if left_s is None else left_s * 1000)
        if not happened:
            raise TimeoutError
        return bool(happened[0][1] & ~select.POLLOUT)

    def _push(self) -> None:
        self._socket.setblocking(False)
        try:
            self._feed = self._feed[self._socket.send(self._feed) :]
        except BlockingIOError:
            return
        except ConnectionError:  # it is not wanted
            self._feed = memoryview(b"")
        if not self._feed:
            self.end()

    def end(self) -> None:
        """Say that no more will be sent; what comes is still received."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """At once; twice is once."""
        self._socket.close()
