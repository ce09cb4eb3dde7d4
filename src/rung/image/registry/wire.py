"""One connection: a socket (plain or TLS) that sends and receives at a pace.

Rule: no protocol is decided here. The socket blocks, its waits are
sliced by the kernel (``SO_RCVTIMEO``): a plain receive is then one system call that fills
a large buffer, where ``settimeout`` would poll before each one.
"""

from __future__ import annotations

import socket
import struct
from errno import EINPROGRESS, ETIMEDOUT
from os import strerror
from select import POLLOUT, poll
from time import monotonic

from rung.image.registry.pace import SLICE_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Any

    from rung.image.registry.limits import Limits
    from rung.image.registry.pace import Pace


class ProtocolError(Exception):
    """What came is not HTTP, or ended in the middle. Another try may mend it."""


class Wire:
    """A connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._slice_s = 0.0
        self._flags = int(socket.MSG_WAITALL)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def connect(cls, host: str, port: int, limits: Limits) -> Wire:
        """To the first address of the host that answers. Raises ``Cancelled`` and ``OSError``."""
        # Bytes are taken as they are; text would load the codec of international names, three milliseconds.
        name = host.encode() if host.isascii() else host
        failure: OSError = ConnectionRefusedError("has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                _connect(sock, address, limits)
                return cls(sock)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
        raise failure

    def secure(self, context: SSLContext, host: str, limits: Limits) -> None:
        """Speak TLS from here on (RFC 8446); the certificate is checked as the context says. Raises ``Cancelled``."""
        self._sock = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
        self._flags = 0
        self._slice_s = 0.0
        end = monotonic() + limits.connect_s
        self._sock.settimeout(SLICE_S)
        while True:
            limits.cancellation.check()
            try:
                self._sock.do_handshake()
                return
            except TimeoutError:
                if monotonic() >= end:
                    raise

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come unasked: an idle connection that has something to say was closed."""
        import select

        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def _patience(self, pace: Pace) -> None:
        wanted = pace.slice_s()
        if wanted == self._slice_s:
            return
        self._slice_s = wanted
        if self._flags:
            self._sock.settimeout(None)
            value = struct.pack("@ll", int(wanted), int(wanted % 1 * 1e6))
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
        else:
            self._sock.settimeout(wanted)

    # --- sending -----------------------------------------------------------------------

    def send(self, data: bytes | memoryview, pace: Pace) -> None:
        """All of it."""
        view = memoryview(data)
        while view:
            self._patience(pace)
            try:
                size = self._sock.send(view)
            except (BlockingIOError, TimeoutError):
                continue
            pace.moved(size)
            view = view[size:]

    # --- receiving ---------------------------------------------------------------------

    def readinto(self, view: memoryview, pace: Pace) -> int:
        """Fill the view as far as bytes come in time; 0 at the end."""
        return self._receive(view, pace, self._flags)

    def receive(self, view: memoryview, pace: Pace) -> int:
        """What is there, as soon as there is something; 0 at the end."""
        return self._receive(view, pace, 0)

    def _receive(self, view: memoryview, pace: Pace, flags: int) -> int:
        while True:
            self._patience(pace)
            try:
                # A TLS socket takes no flags.
                size = self._sock.recv_into(view, 0, flags) if flags else self._sock.recv_into(view)
            except (BlockingIOError, TimeoutError):
                continue
            pace.moved(size)
            return size

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


def _connect(sock: socket.socket, address: Any, limits: Limits) -> None:
    sock.setblocking(False)
    error = sock.connect_ex(address)
    if error == EINPROGRESS:
        waiting = poll()
        waiting.register(sock, POLLOUT)
        end = monotonic() + limits.connect_s
        while not waiting.poll(min(SLICE_S, max(0.0, end - monotonic())) * 1000):
            limits.cancellation.check()
            if monotonic() >= end:
                raise TimeoutError(ETIMEDOUT, "does not answer")
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, strerror(error))
    sock.setblocking(True)


def is_certificate_error(error: BaseException) -> bool:
    """Whether TLS failed for who the other side is. (By name: ``ssl`` is loaded by who needs it.)"""
    return type(error).__name__ in ("SSLCertVerificationError", "CertificateError")


def is_tls_error(error: BaseException) -> bool:
    """Whether TLS failed for what either side wants: no other try will mend that."""
    return is_certificate_error(error) or type(error).__name__ == "SSLError"
