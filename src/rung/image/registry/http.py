"""One HTTP exchange, with patience that ends.

Rule: no redirect is followed and no answer judged here. Every read of an answer, its
headers included, is paced: silence, trickling and lateness are ``TimeoutError``.
"""

from __future__ import annotations

import http.client
import io
import socket
from time import monotonic
from urllib.parse import urlsplit

from rung import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext
    from typing import Any

    from rung.image.registry.limits import Limits

USER_AGENT = f"rung/{__version__}"

#: What an exchange may fail with that another try may mend.
TRANSIENT = (OSError, http.client.HTTPException)


class Pace:
    """How fast bytes must come: ``total_s`` for all of them, or a least rate."""

    def __init__(self, limits: Limits, total_s: float | None = None) -> None:
        self._limits = limits
        self._end = None if total_s is None else monotonic() + total_s
        self._window_end = monotonic() + limits.window_s
        self._window_bytes = 0

    def patience_s(self) -> float:
        """How long to wait for the next bytes."""
        now = monotonic()
        if self._end is not None:
            if now >= self._end:
                raise TimeoutError("the answer takes too long")
            return min(self._limits.idle_s, self._end - now)
        if now >= self._window_end:
            if self._window_bytes < self._limits.slowest_bytes_per_s * self._limits.window_s:
                raise TimeoutError(f"sends less than {self._limits.slowest_bytes_per_s} bytes a second")
            self._window_end, self._window_bytes = now + self._limits.window_s, 0
        return self._limits.idle_s

    def came(self, size: int) -> None:
        """So many bytes have come."""
        self._window_bytes += size


class _PacedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._sock = sock
        self._pace = pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(max(0.001, self._pace.patience_s()))
        try:
            size = self._sock.recv_into(buffer)
        except TimeoutError:
            raise TimeoutError("has fallen silent") from None
        self._pace.came(size)
        return size

    def close(self) -> None:
        if not self.closed:
            self._sock.close()
        super().close()


class _PacedSocket:
    """As much of a socket as ``http.client`` uses. As with a real one, closing it leaves an
    answer readable that has been begun: ``http.client`` closes it so where no length is announced."""

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._sock = sock
        self._pace = pace
        self._is_read = False

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_PacedReader(self._sock, self._pace), 1 << 18)

    def close(self) -> None:
        if not self._is_read:
            self._sock.close()


class Response:
    """An answer whose body is still to be read. A context: leaving it closes the connection."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, url: str) -> None:
        self._connection = connection
        self._answer = answer
        self.url = url
        self.status = answer.status

    def header(self, name: str) -> str:
        """A header's value, empty where it is not there."""
        return self._answer.getheader(name) or ""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; less than announced in the end is ``IncompleteRead``."""
        data = self._answer.read1(size)
        if not data and size and self._answer.length:
            raise http.client.IncompleteRead(b"", self._answer.length)
        return data

    def read_all(self, limit: int) -> bytes | None:
        """The whole body, or None where it is longer than ``limit``."""
        if (self._answer.length or 0) > limit:
            return None
        parts = []
        left = limit + 1
        while left and (part := self.read(min(left, 1 << 16))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts) if left else None

    def close(self) -> None:
        """Hang up."""
        self._answer.close()
        self._connection.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    pace: Pace,
    limits: Limits,
    *,
    context: SSLContext | None = None,
    body: bytes | None = None,
) -> Response:
    """Send a request; the answer's status and headers are there when this returns."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        if context is None:
            from ssl import create_default_context

            context = create_default_context()
        sock: socket.socket = socket.create_connection((host, port or 443), limits.connect_s)
        try:
            sock = context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    else:
        sock = socket.create_connection((host, port or 80), limits.connect_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = http.client.HTTPConnection(host, port or (443 if parts.scheme == "https" else 80))
    connection.sock = _PacedSocket(sock, pace)
    path = parts.path or "/"
    try:
        sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        connection.request(method, f"{path}?{parts.query}" if parts.query else path, body, {**sent, **headers})
        return Response(connection, connection.getresponse(), url)
    except BaseException:
        connection.close()
        raise
