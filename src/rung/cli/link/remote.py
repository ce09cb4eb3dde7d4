"""An engine that is reached by TCP, with TLS in front of it where that is asked for as docker's client is asked.

A command polls its connection, closes one direction of it and hands it to others: it wants a plain socket. So TLS ends
in a thread, in memory (``ssl.MemoryBIO``), and goes on through a pair of sockets, of which the command has one. A
close_notify is the end of one direction only (RFC 8446 section 6.1).

Source: docker's command line (``--tls``, ``--tlsverify``, ``DOCKER_TLS_VERIFY``, ``DOCKER_CERT_PATH``).
"""

from __future__ import annotations

import _socket
import select
import socket
import ssl
import threading

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_S = 30.0
_PIECE = 1 << 16
_PLAIN_PORT, _TLS_PORT = 2375, 2376


def reached(address: str, settings: Mapping[str, str]) -> _socket.socket:
    """A connection to ``tcp://HOST[:PORT]``. Raises ``OSError`` and ``RungError``."""
    made = context(settings)
    host, port = host_and_port(address, _PLAIN_PORT if made is None else _TLS_PORT)
    wire = socket.create_connection((host, port), CONNECT_S)
    try:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if made is None:
            wire.settimeout(None)
            return _socket.socket(fileno=wire.detach())
        tunnel = Tunnel(wire, made, host)
        tunnel.meet()
    except BaseException:
        wire.close()
        raise
    wire.settimeout(None)
    return tunnel.inside()


def host_and_port(address: str, port: int) -> tuple[str, int]:
    """Of ``tcp://HOST[:PORT]``, where ``port`` is the usual one. Raises ``RungError``."""
    authority = address.removeprefix("tcp://").rstrip("/")
    host, colon, given = authority.rpartition(":")
    if not colon or given.endswith("]"):  # no port: [::1] is a host
        host, given = authority, str(port)
    if not host or not given.isdecimal():
        raise RungError("connect to", address, "is no address of an engine", "tcp://HOST:PORT")
    return host.strip("[]"), int(given)


def context(settings: Mapping[str, str]) -> ssl.SSLContext | None:
    """As the flags and the environment want it; None without TLS. Raises ``RungError``."""
    verify = settings.get("tlsverify", posix.getenv("DOCKER_TLS_VERIFY"))
    if not (verify or settings.get("tls", posix.getenv("DOCKER_TLS"))):
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    folder = posix.getenv("DOCKER_CERT_PATH") or posix.getenv("DOCKER_CONFIG") or f"{posix.getenv('HOME')}/.docker"
    authority = settings.get("tlscacert") or f"{folder}/ca.pem"
    certificate, key = settings.get("tlscert") or f"{folder}/cert.pem", settings.get("tlskey") or f"{folder}/key.pem"
    try:
        if verify:
            made.load_verify_locations(authority)
    except OSError as error:
        raise RungError("read", authority, _said(error), "--tlscacert names the authority's certificate") from None
    if not ({"tlscert", "tlskey"} & settings.keys() or posix.exists(certificate) or posix.exists(key)):
        return made  # a server that wants none
    try:
        made.load_cert_chain(certificate, key)
    except OSError as error:
        raise RungError("read", f"{certificate}, {key}", _said(error), "--tlscert and --tlskey name both") from None
    return made


def _said(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or error).lower()


class Tunnel:
    """TLS on a TCP connection, and a pair of sockets whose one end is its inside."""

    def __init__(self, wire: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._wire = wire
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def meet(self) -> None:
        """The handshake. Raises ``OSError`` (``ssl.SSLError`` is one)."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
                data = self._wire.recv(_PIECE)
                if not data:
                    raise ConnectionResetError(0, "it has hung up before it was known") from None
                self._incoming.write(data)
            else:
                self._send()
                return

    def inside(self) -> _socket.socket:
        """What is said in it is carried from now on."""
        ours, given = socket.socketpair()
        threading.Thread(target=self._carry, args=(ours,), daemon=True).start()
        return _socket.socket(fileno=given.detach())

    def _send(self) -> None:
        if data := self._outgoing.read():
            self._wire.sendall(data)

    def _carry(self, plain: socket.socket) -> None:
        """Both directions at once: neither side has to take what is for it before it is listened to."""
        with self._wire, plain:
            for one in (self._wire, plain):
                one.setblocking(False)
            try:
                Carrying(self._tls, self._incoming, self._outgoing).run(self._wire, plain)
            except OSError:  # one side has gone: the other sees the end of its connection
                return


class Carrying:
    """What is on its way through TLS, and may wait: so much for each direction that a side is not listened to any more
    until the other has taken some."""

    LIMIT = 4 * _PIECE

    def __init__(self, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._tls, self._incoming, self._outgoing = tls, incoming, outgoing
        self._to_wire, self._to_plain = bytearray(), bytearray()
        self._says = self._hears = True

    def run(self, wire: socket.socket, plain: socket.socket) -> None:
        """Until the wire's side has said all, and that has been handed on. Raises ``OSError``."""
        self._hear()  # what came with the handshake
        while self._hears or self._to_plain:
            waiting = select.poll()
            for here, events in (
                (wire, self._events(self._hears, self._to_plain, self._to_wire)),
                (plain, self._events(self._says, self._to_wire, self._to_plain)),
            ):
                if events or here is plain:
                    waiting.register(here, events)
            for fd, events in waiting.poll():
                here = wire if fd == wire.fileno() else plain
                if events & select.POLLOUT:
                    pending = self._to_wire if here is wire else self._to_plain
                    del pending[: here.send(pending)]
                elif events & select.POLLIN:
                    (self._from_wire if here is wire else self._from_plain)(here.recv(_PIECE))
                else:  # it has gone, and nobody is there to hand anything to
                    return

    def _events(self, listens: bool, waits_there: bytearray, waits_here: bytearray) -> int:
        reads = listens and len(waits_there) < self.LIMIT
        return (select.POLLIN if reads else 0) | (select.POLLOUT if waits_here else 0)

    def _from_wire(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        self._hear()

    def _hear(self) -> None:
        """Decrypt what has come."""
        try:
            while data := self._tls.read(_PIECE):
                self._to_plain += data
            self._hears = False
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._hears = False
        self._to_wire += self._outgoing.read()

    def _from_plain(self, data: bytes) -> None:
        try:
            if data:
                self._tls.write(data)
            else:
                self._says = False
                self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # the engine's own close_notify has not come: it may have much to say still
        self._to_wire += self._outgoing.read()
