"""Listening, and a thread for each client.

Rule: the number of clients is bounded; where it is reached, whoever rests longest between two
requests makes room, and a client that finds none is told to come again. Ending lets answers
that have begun be finished.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from time import monotonic

from rung.image.errors import ImageError
from rung.image.registry.limits import Limits
from rung.image.serve.client import Client
from rung.image.serve.tls import GREETING_S, Tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.http1.head import Request
    from rung.image.serve.answers import Answer
    from rung.image.serve.htpasswd import Htpasswd
    from rung.image.serve.registry import Body, Registry

CLIENTS = 512
#: How clients say that they have no login; podman and skopeo write an empty name and an empty password.
NOBODY = ("", "Basic Og==")
#: How long answers that have begun may take once the server is told to end.
GRACE_S = 10.0
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Service:
    """What every client's thread needs to know."""

    def __init__(
        self,
        registry: Registry,
        users: Htpasswd | None,
        log: Callable[[str], None],
        limits: Limits | None = None,
        *,
        anonymous_pull: bool = False,
    ) -> None:
        self.registry = registry
        self.users = users
        self.anonymous_pull = anonymous_pull
        self.log = log
        self.limits = limits or Limits()

    def answer(self, request: Request, body: Body) -> Answer:
        """Carry a request out for a client that may."""
        if self.users is not None and not self._is_free(request):
            self.users.check(request.get("authorization"))
        return self.registry.answer(request, body)

    def _is_free(self, request: Request) -> bool:
        """Whether nobody need say who he is. ``/v2/`` is not free: by its challenge a client learns that
        there is a login to be had, and most ask nowhere else."""
        if not self.anonymous_pull or request.method not in ("GET", "HEAD"):
            return False
        if request.get("authorization") not in NOBODY:
            return False
        return request.target.rstrip("/") != "/v2" and "/blobs/uploads/" not in request.target


class Server:
    """A listening socket. ``run`` returns after ``stop``."""

    def __init__(
        self, address: tuple[str, int], service: Service, tls: Tls | None = None, clients: int = CLIENTS
    ) -> None:
        self.service = service
        self._tls = tls
        self._limit = clients
        self._clients: dict[Client, threading.Thread] = {}
        self._lock = threading.RLock()  # a signal handler may come in between
        self._wake, self._awake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._socket = _listen(address)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def stop(self) -> None:
        """End soon. May be called from a signal handler and any thread."""
        with self._lock:
            if self._awake >= 0:
                try:
                    os.write(self._awake, b".")
                except BlockingIOError:
                    pass

    def run(self) -> None:
        """Accept until ``stop``."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        try:
            while all(fd != self._wake for fd, _ in poll.poll()):
                self._accept()
        finally:
            self._end()

    def _accept(self) -> None:
        try:
            sock, address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # out of descriptors: serve those who are here
            self.service.log(f"accept: {error.strerror}")
            threading.Event().wait(0.1)
            return
        client = Client(sock, f"{address[0]}:{address[1]}", self.service)
        thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
        with self._lock:
            full = len(self._clients) >= self._limit and not self._make_room()
            if not full:
                self._clients[client] = thread
        if full:
            _turn_away(sock)
        else:
            thread.start()

    def _make_room(self) -> bool:
        """Hang up on the client that has been silent longest between two requests; under the lock."""
        resting = [client for client in self._clients if client.rests_since is not None]
        if not resting:
            return False
        oldest = min(resting, key=lambda client: client.rests_since or 0.0)
        del self._clients[oldest]
        oldest.hang_up()
        return True

    def _serve(self, client: Client) -> None:
        try:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                secured = self._tls.greet(client.sock)
                if isinstance(secured, str):
                    self.service.log(f"{client.name} gone: {secured}")
                    return
                client.sock = secured
            client.run()
        finally:
            client.sock.close()
            with self._lock:
                self._clients.pop(client, None)

    def _end(self) -> None:
        self._socket.close()
        with self._lock:
            serving = dict(self._clients)
        for client in serving:
            if client.rests_since is not None:
                client.hang_up()
        deadline = monotonic() + GRACE_S
        for client, thread in serving.items():
            thread.join(max(0.0, deadline - monotonic()))
            if thread.is_alive():
                client.hang_up()
        for thread in serving.values():
            thread.join(GREETING_S)
        with self._lock:
            os.close(self._wake)
            os.close(self._awake)
            self._awake = -1


def _turn_away(sock: socket.socket) -> None:
    with sock:
        sock.setblocking(False)
        try:
            sock.send(_BUSY)
        except OSError:
            pass


def _listen(address: tuple[str, int]) -> socket.socket:
    host, port = address
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = found[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ImageError("listen", f"{host}:{port}", error.strerror or str(error)) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
        sock.listen(512)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ImageError("listen", f"{host}:{port}", error.strerror or "") from error
    return sock
