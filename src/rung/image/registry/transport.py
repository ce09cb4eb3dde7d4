"""Exchanges: a request to any web address, and its answer, over connections that are kept.

Rule: no redirect is followed, no credential added and no answer judged here.
RFC 9110, RFC 9112 section 9 (connections).
"""

from __future__ import annotations

import os
import threading
from urllib.parse import SplitResult, urlsplit

from rung import __version__
from rung.http1.connection import NEED_DATA, Data
from rung.http1.errors import Malformed
from rung.http1.exchange import Exchange, request_bytes
from rung.http1.head import Response as Head
from rung.image.registry.proxy import Proxy, choose_proxy
from rung.image.registry.tls import Tls
from rung.image.registry.wire import ProtocolError, Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from ssl import SSLContext
    from typing import Protocol

    from rung.http1.connection import EndOfBody, NeedData
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
        self, wire: Wire, head: Head, exchange: Exchange, url: str, pace: Pace, give_back: Callable[[Wire], None]
    ) -> None:
        self.url = url
        self.status = head.status
        self._head = head
        self._wire = wire
        self._exchange = exchange
        self._pace = pace
        self._give_back = give_back
        self._come = memoryview(b"")  # with the head, or with a chunk's
        self._is_open = True
        self._ended = False

    def header(self, name: str) -> str:
        """A header's value, empty where it is not there."""
        return self._head.get(name.lower())

    def readinto(self, view: memoryview) -> int:
        """The next bytes; 0 at the end. An end before the announced one is ``ProtocolError``."""
        while not self._come and not self._ended:
            if direct := self._exchange.direct:
                size = self._wire.readinto(view[:direct], self._pace)
                if size:
                    self._exchange.passed(size)
                    return size
                _hung_up(self._exchange)
            event = _next(self._exchange)
            if isinstance(event, Data):
                self._come = memoryview(event.data)
            elif event is NEED_DATA:
                _receive(self._wire, self._exchange, self._pace)
            else:
                self._ended = True
        size = min(len(view), len(self._come))
        view[:size] = self._come[:size]
        self._come = self._come[size:]
        return size

    def read_all(self, limit: int) -> bytes | None:
        """The whole body, or None where it is longer than ``limit``."""
        if (self._exchange.left or 0) > limit:
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
        if 0 < (self._exchange.left or 0) <= _WORTH_READING:
            try:
                self.read_all(_WORTH_READING)
            except TRANSIENT:
                pass
        if self._exchange.may_follow:
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
        exchange = Exchange(method)
        head = _send(wire, request, body, pace, exchange) or _final_head(wire, pace, exchange)
        # A server that refuses need not have read what was sent.
        refused = head.status >= 400 and body is not None
        return Response(wire, head, exchange, url, pace, _close if refused else lambda wire: self._keep(key, wire))

    def _connect(self, parts: SplitResult, pace: Pace, tls: Tls, proxy: Proxy | None) -> Wire:
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        at = (proxy.host, proxy.port) if proxy else (host, port)
        wire = Wire.connect(*at, self._limits)
        try:
            if parts.scheme == "https":
                if proxy:
                    _tunnel(wire, host, port, proxy, pace)
                wire.secure(self._context(tls), host, self._limits)
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
        return request_bytes(method, target.replace(" ", "%20"), sent.items())
    except Malformed as error:
        raise ProtocolError(f"a request {error.reason}") from None


def _send(wire: Wire, request: bytes, body: Body | None, pace: Pace, exchange: Exchange) -> Head | None:
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
            head = _final_head(wire, pace, exchange)
        except TRANSIENT:
            head = None
        if head is None or head.status < 400:
            raise
        return head
    return None


def _final_head(wire: Wire, pace: Pace, exchange: Exchange) -> Head:
    while (event := _next(exchange)) is NEED_DATA:
        _receive(wire, exchange, pace)
    assert isinstance(event, Head)
    if event.status == 101:
        raise ProtocolError("changes to another protocol")
    return event


def _next(exchange: Exchange) -> Head | Data | EndOfBody | NeedData:
    try:
        return exchange.next_event()
    except Malformed as error:
        raise ProtocolError(f"answers what is no HTTP: {error.reason}") from None


def _receive(wire: Wire, exchange: Exchange, pace: Pace) -> None:
    """More of the answer into the exchange."""
    view = memoryview(bytearray(_READ))
    if size := wire.receive(view, pace):
        exchange.receive(view[:size])
    else:
        _hung_up(exchange)


def _hung_up(exchange: Exchange) -> None:
    if not exchange.has_begun:
        raise ConnectionResetError("hangs up without an answer")
    if not exchange.ends_with_connection:
        to_come = f"with {exchange.left} bytes to come" if exchange.left else "in the middle of its answer"
        raise ProtocolError(f"hangs up {to_come}")
    exchange.receive(b"")


def _tunnel(wire: Wire, host: str, port: int, proxy: Proxy, pace: Pace) -> None:
    """RFC 9110 section 9.3.6: from here on the connection is one to the host itself."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = {"Host": authority, "User-Agent": USER_AGENT}
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    wire.send(request_bytes("CONNECT", authority, headers.items()), pace)
    head = _final_head(wire, pace, Exchange("CONNECT"))
    if head.status != 200:
        raise ProtocolError(f"the proxy {proxy.host}:{proxy.port} answers {head.status}")
