"""TLS for the server, with or without certificates of clients.

Rule: certificates are read again when their files have changed, so that a renewed one is served
without a restart; a file that cannot be read then leaves the old one in use.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading

from rung.image.errors import ImageError

GREETING_S = 15.0
_RECORD = 0x16  # RFC 8446 section 5.1: a handshake record
_PLAIN = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"Client sent an HTTP request to an HTTPS server.\n"  # what Go's servers say, and clients look for
)


class Tls:
    """A server's certificate and key, and whose clients it takes."""

    def __init__(self, certificate: str, key: str, client_ca: str = "") -> None:
        self._files = tuple(filter(None, (certificate, key, client_ca)))
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._lock = threading.Lock()
        self._stamp = self._stamps()
        self._context = self._load()

    def greet(self, sock: socket.socket) -> ssl.SSLSocket | str:
        """The encrypted connection, or why there is none."""
        sock.settimeout(GREETING_S)
        try:
            first = sock.recv(1, socket.MSG_PEEK)
            if first and first[0] != _RECORD:
                sock.sendall(_PLAIN)
                return "speaks no TLS"
            return self._current().wrap_socket(sock, server_side=True, do_handshake_on_connect=True)
        except (OSError, ValueError) as error:
            return f"no TLS: {getattr(error, 'reason', None) or error}"

    def _current(self) -> ssl.SSLContext:
        with self._lock:
            stamp = self._stamps()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._context = self._load()
                except ImageError:
                    pass  # half written, perhaps: the next change is looked at again
            return self._context

    def _stamps(self) -> list[tuple[int, int]]:
        found = []
        for path in self._files:
            try:
                status = os.stat(path)
            except OSError:
                continue
            found.append((status.st_mtime_ns, status.st_size))
        return found

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ImageError(
                "TLS", self._certificate, _reason(error), "certificate and key in PEM"
            ) from error
        if self._client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(self._client_ca)
            except OSError as error:
                raise ImageError("TLS", self._client_ca, _reason(error)) from error
        return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
