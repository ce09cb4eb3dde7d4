"""Exchanges: a request to any web address, and its answer, over connections that are kept.

Rule: no redirect is followed, no credential added and no answer judged here.
RFC 9110, RFC 9112 section 9 (connections).
"""

from __future__ import annotations

import os
import threading
from urllib.parse import SplitResult, urlsplit

from rung import __version__
from rung.image.registry import http1
from rung.image.registry.http1 import Head, ProtocolError
from rung.image.registry.proxy import Proxy, choose_proxy
from rung.image.registry.tls import Tls
from rung.image.registry.wire import Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from ssl import SSLContext
    from typing import Protocol

    from rung.image.registry.limits import Limits
    from rung.image.registry.pace import Pace

    class Body(Protocol):
        """What is sent: so many bytes."""

        size: int

        def chunks(self) -> Iterator[bytes | memoryview]:
            """From the beginning, each time."""
            ...


USER_AGENT = f"rung/{__version__}"
TRUSTING_THE_MACHINE = Tls()
#: What an exchange may fail with that another try may mend.
TRANSIENT = (OSError, ProtocolError)
_READ = 1 << 16
#: Less than this left of an answer's body is read to keep the connection.
_WORTH_READING = 1 << 16
_IDLE = 8
_INTERIM = 20


class Bytes:
    """A body in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def chunks(self) -> Iterator[bytes | memoryview]:
        yield self.data


class Response:
    """An answer whose body is still to be read. A context: leaving it gives the connection back,
    or closes it where the body has not ended."""

    def __init__(
        self, wire: Wire, head: Head, length: int, url: str, pace: Pace, give_back: Callable[[Wire], None]
    ) -> None:
        self.url = url
        self.status = head.status
        self._headers = head.headers
        self._wire = wire
        self._left = length
        self._chunk = 0  # left of the current chunk
        self._pace = pace
        self._give_back = give_back if head.keeps_open else _close
        self._is_open = True

    def header(self, name: str) -> str:
        """A header's value, empty where it is not there."""
        return self._headers.get(name.lower(), "")

    @property
    def length(self) -> int:
        """The bytes of the body that are still to come; negative where nobody said."""
        return self._left

    def readinto(self, view: memoryview) -> int:
        """The next bytes; 0 at the end. An end before the announced one is ``ProtocolError``."""
        if self._left == 0:
            return 0
        if self._left == http1.CHUNKED:
            return self._read_chunk(view)
        size = self._wire.readinto(view if self._left < 0 else view[: self._left], self._pace)
        if self._left > 0:
            if not size:
                raise ProtocolError(f"hangs up with {self._left} bytes to come")
            self._left -= size
        elif not size:
            self._left, self._give_back = 0, _close
        return size

    def _read_chunk(self, view: memoryview) -> int:
        if not self._chunk:
            self._chunk = http1.chunk_size(self._wire.line(self._pace))
            if not self._chunk:
                for _ in range(100):  # trailers (RFC 9112 section 7.1.2) are of no use here
                    if not self._wire.line(self._pace):
                        self._left = 0
                        return 0
                raise ProtocolError("ends its answer with too many headers")
        size = self._wire.readinto(view[: self._chunk], self._pace)
        if not size:
            raise ProtocolError("hangs up in the middle of its answer")
        self._chunk -= size
        if not self._chunk and self._wire.line(self._pace):
            raise ProtocolError("sends a chunk that is longer than it says")
        return size

    def read_all(self, limit: int) -> bytes | None:
        """The whole body, or None where it is longer than ``limit``."""
        if self._left > limit:
            return None
        data = bytearray()
        view = memoryview(bytearray(_READ))
        while size := self.readinto(view):
            data += view[:size]
            if len(data) > limit:
                return None
        return bytes(data)

    def close(self) -> None:
        """Done with this answer."""
        if not self._is_open:
            return
        self._is_open = False
        if 0 < self._left <= _WORTH_READING:
            try:
                self.read_all(_WORTH_READING)
            except TRANSIENT:
                pass
        if self._left == 0:
            self._give_back(self._wire)
        else:
            self._wire.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport:
    """Connections to any number of hosts. Safe to use from several threads."""

    def __init__(self, limits: Limits, environment: Mapping[str, str] | None = None) -> None:
        self._limits = limits
        self._environment = os.environ if environment is None else environment
        self._idle: list[tuple[object, Wire]] = []
        self._contexts: dict[Tls, SSLContext] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        pace: Pace,
        *,
        tls: Tls = TRUSTING_THE_MACHINE,
        body: Body | None = None,
    ) -> Response:
        """Send a request; the answer's status and headers are there when this returns."""
        parts = urlsplit(url)
        proxy = choose_proxy(parts, self._environment)
        key = (parts.scheme, parts.hostname, parts.port, tls, proxy)
        head = _request(method, parts, headers, body, proxy)
        pace.rest()
        while (wire := self._take(key)) is not None:
            # The other side may close an idle connection at the moment it is used again: the request then goes
            # over another one. A part of an upload may have been taken: how far is for its sender to find out.
            try:
                return self._over(wire, method, url, head, body, pace, key)
            except (ConnectionResetError, BrokenPipeError):
                wire.close()
                if method == "PATCH":
                    raise
            except BaseException:
                wire.close()
                raise
        wire = self._connect(parts, pace, tls, proxy)
        try:
            return self._over(wire, method, url, head, body, pace, key)
        except BaseException:
            wire.close()
            raise

    def _over(
        self, wire: Wire, method: str, url: str, request: bytes, body: Body | None, pace: Pace, key: object
    ) -> Response:
        head = _send(wire, request, body, pace) or _final_head(wire, pace)
        length = http1.body_length(method, head)
        if head.status >= 400 and body is not None:
            head = _last(head)  # a server that refuses need not have read what was sent
        return Response(wire, head, length, url, pace, lambda wire: self._keep(key, wire))

    def _connect(self, parts: SplitResult, pace: Pace, tls: Tls, proxy: Proxy | None) -> Wire:
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        at = (proxy.host, proxy.port) if proxy else (host, port)
        wire = Wire.connect(*at, self._limits.connect_s)
        try:
            if parts.scheme == "https":
                if proxy:
                    _tunnel(wire, host, port, proxy, pace)
                wire.secure(self._context(tls), host)
        except BaseException:
            wire.close()
            raise
        return wire

    def _context(self, tls: Tls) -> SSLContext:
        with self._lock:
            if tls not in self._contexts:
                self._contexts[tls] = tls.context()
            return self._contexts[tls]

    def _take(self, key: object) -> Wire | None:
        with self._lock:
            found = [pair for pair in self._idle if pair[0] == key]
            for pair in reversed(found):
                self._idle.remove(pair)
                if pair[1].is_quiet:
                    return pair[1]
                pair[1].close()
        return None

    def _keep(self, key: object, wire: Wire) -> None:
        with self._lock:
            if self._is_closed or len(self._idle) >= _IDLE:
                wire.close()
            else:
                self._idle.append((key, wire))

    def close(self) -> None:
        """Close the connections that are idle, and from now on every other one when it has been used."""
        with self._lock:
            self._is_closed = True
            while self._idle:
                self._idle.pop()[1].close()


def _close(wire: Wire) -> None:
    wire.close()


def _request(
    method: str, parts: SplitResult, headers: Mapping[str, str], body: Body | None, proxy: Proxy | None
) -> bytes:
    authority = parts.netloc.rpartition("@")[2]
    sent = {"Host": authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
    if body is not None or method in ("POST", "PUT", "PATCH"):
        sent["Content-Length"] = str(body.size if body else 0)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if proxy and parts.scheme == "http":
        target = f"http://{authority}{target}"
        if proxy.authorization:
            sent["Proxy-Authorization"] = proxy.authorization
    try:
        return http1.request(method, target.replace(" ", "%20"), sent)
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def _send(wire: Wire, request: bytes, body: Body | None, pace: Pace) -> Head | None:
    """Send a request. One that refuses a body need not read it: its answer may be there already."""
    if body is None or not body.size:
        wire.send(request, pace)
        return None
    try:
        wire.send(request, pace)
        for chunk in body.chunks():
            pace.rest()
            wire.send(chunk, pace)
    except (BrokenPipeError, ConnectionResetError):
        try:
            head = http1.parse_head(wire.head(pace))
        except TRANSIENT:
            head = None
        if head is None or head.status < 400:
            raise
        return head
    return None


def _last(head: Head) -> Head:
    """An answer after which its connection is not used again."""
    changed: Head = head.replace(headers={**head.headers, "connection": "close"})
    return changed


def _final_head(wire: Wire, pace: Pace) -> Head:
    """RFC 9110 section 15.2: an answer may be announced, by 100 Continue and its like."""
    for _ in range(_INTERIM):
        head = http1.parse_head(wire.head(pace))
        if head.status == 101:
            raise ProtocolError("changes to another protocol")
        if head.status >= 200:
            return head
    raise ProtocolError("announces its answer without end")


def _tunnel(wire: Wire, host: str, port: int, proxy: Proxy, pace: Pace) -> None:
    """RFC 9110 section 9.3.6: from here on the connection is one to the host itself."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = {"Host": authority, "User-Agent": USER_AGENT}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    wire.send(http1.request("CONNECT", authority, headers), pace)
    head = http1.parse_head(wire.head(pace))
    if head.status != 200:
        raise ProtocolError(f"the proxy {proxy.host}:{proxy.port} answers {head.status}")
