"""Mutual TLS in front of the API: what comes out of it is a plain connection, as of the unix socket.

The API's connections are given away to shims (``docker/attach.py``) and half-closed by clients; asyncio's own TLS can
do neither. So TLS ends here, in memory (``ssl.MemoryBIO``), and goes on through a pair of sockets, of which the API has
one. A close_notify is the end of one direction only (RFC 8446 section 6.1).
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.serving.room import Room
    from rung.engine.serving.settings import Settings

HANDSHAKE_S = 30.0
_CHUNK = 1 << 16
#: Descriptors of a connection: the client's, and our end of the pair. (The API counts its own.)
_DESCRIPTORS = 2


def context(settings: Settings) -> ssl.SSLContext:
    """Of a server that asks for a certificate. Raises ``EngineError``."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_verify_locations(settings.tlscacert)
    except (OSError, ssl.SSLError) as error:
        raise EngineError(f"--tlscacert {settings.tlscacert}: {_said(error)}") from None
    try:
        made.load_cert_chain(settings.tlscert, settings.tlskey)
    except (OSError, ssl.SSLError) as error:
        raise EngineError(f"--tlscert {settings.tlscert}, --tlskey {settings.tlskey}: {_said(error)}") from None
    return made


def _said(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or error)


class Encrypted(asyncio.Protocol):
    """A client's connection. ``make`` gives the protocol of what is inside."""

    def __init__(self, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], room: Room) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._make, self._room, self._has_room = make, room, False
        self._outer: asyncio.Transport | None = None
        self._inner: asyncio.Transport | None = None
        self._early = bytearray()  # what was said before the inside is there
        self._met = self._heard_all = False
        self._deadline: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None

    # --- the client's side ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._outer = transport
        self._has_room = self._room.take(_DESCRIPTORS)
        if not self._has_room:
            transport.abort()  # nothing could be said before there are keys
            return
        self._deadline = asyncio.get_running_loop().call_later(HANDSHAKE_S, self.close)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._advance()

    def eof_received(self) -> bool:
        if not self._met:
            return False  # it has gone before it had greeted
        self._end_of_client()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._outer = None
        if self._has_room:
            self._room.give_back(_DESCRIPTORS)
        self.close()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_reading()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_reading()

    # --- TLS ---------------------------------------------------------------------------------

    def _advance(self) -> None:
        try:
            if not self._met:
                self._tls.do_handshake()
                self._welcome()
            while data := self._tls.read(_CHUNK):
                self._hand_on(data)
            self._end_of_client()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end_of_client()
        except ssl.SSLError:
            self._send()  # the alert that says why
            self.close()
            return
        self._send()

    def _welcome(self) -> None:
        self._met = True
        if self._deadline is not None:
            self._deadline.cancel()
        ours, theirs = socket.socketpair()
        self._opening = asyncio.get_running_loop().create_task(self._open(ours, theirs))

    async def _open(self, ours: socket.socket, theirs: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        ours.setblocking(False)
        theirs.setblocking(False)
        await loop.connect_accepted_socket(self._make, theirs)
        await loop.connect_accepted_socket(lambda: _Inside(self), ours)

    def _hand_on(self, data: bytes) -> None:
        if self._inner is None:
            self._early += data
        elif not self._inner.is_closing():
            self._inner.write(data)

    def _end_of_client(self) -> None:
        self._heard_all = True
        if self._inner is not None and self._inner.can_write_eof() and not self._inner.is_closing():
            self._inner.write_eof()

    def _send(self) -> None:
        data = self._outgoing.read()
        if data and self._outer is not None:
            self._outer.write(data)

    # --- the API's side ------------------------------------------------------------------------

    def opened(self, inner: asyncio.Transport) -> None:
        """The inside is there."""
        self._inner = inner
        if self._outer is None:
            inner.close()
            return
        if self._early:
            inner.write(bytes(self._early))
            self._early.clear()
        if self._heard_all:
            self._end_of_client()

    def answer(self, data: memoryview) -> None:
        """Bytes for the client."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.close()
            return
        self._send()

    def answered_all(self) -> None:
        """There will be no more."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the client's own close_notify has not come: ours is on its way
        self._send()
        self.close()

    def hold(self, *, on: bool) -> None:
        """The inside is behind: the client waits."""
        if self._outer is not None and not self._outer.is_closing():
            (self._outer.pause_reading if on else self._outer.resume_reading)()

    def close(self) -> None:
        """Let go of both sides; what is written goes out first."""
        for one in (self._outer, self._inner):
            if one is not None:
                one.close()
        if self._deadline is not None:
            self._deadline.cancel()


class _Inside(asyncio.BufferedProtocol):
    """Our end of the pair. One buffer serves all: what comes is encrypted before anything else is read, and a client
    that stalls has no more than this in it."""

    _buffer = memoryview(bytearray(_CHUNK))

    def __init__(self, outside: Encrypted) -> None:
        self._outside = outside

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._outside.opened(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._outside.answer(self._buffer[:nbytes])

    def eof_received(self) -> bool:
        self._outside.answered_all()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._outside.close()

    def pause_writing(self) -> None:
        self._outside.hold(on=True)

    def resume_writing(self) -> None:
        self._outside.hold(on=False)
