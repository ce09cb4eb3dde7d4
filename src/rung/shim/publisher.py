"""Events to whoever wants them: containerd, or Rung's engine, over a ttrpc connection of the shim's own.

Rule: in order, each until it is acknowledged; a receiver that is away is tried again (it may be restarting) and after
``TRIES`` the event is given up, for the exit status is kept and answered to ``Wait`` and ``State`` anyway.
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]
from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM, socket
from select import EPOLLIN
from time import time_ns

from rung.spec.protobuf import BadMessage
from rung.spec.shim import events, ttrpc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.loop import Loop, Timer

TRIES = 5
#: Between two tries: a second more each time; and how long an answer may take.
PAUSE_S = 1.0
ANSWER_S = 5.0


class Publisher:
    """Sends to ``address``, a unix socket's path; empty: nobody wants them."""

    def __init__(self, loop: Loop, address: str, namespace: str) -> None:
        self._loop, self._namespace = loop, namespace
        self._address = address.removeprefix("unix://")
        self._waiting: deque[bytes] = deque()
        self._connection: socket | None = None
        self._frames = ttrpc.Frames()
        self._stream = 1
        self._tries = 0
        self._timer: Timer | None = None
        self._when_empty: Callable[[], None] | None = None

    def publish(self, event: events.Event) -> None:
        """Send it, now or when it is its turn."""
        if not self._address:
            return
        payload = events.forward(event, self._namespace, time_ns()).encode()
        request = ttrpc.Request(
            service=events.SERVICE,
            method=events.METHOD,
            payload=payload,
            timeout_nano=int(ANSWER_S * 1e9),
            metadata=[ttrpc.Pair(key="containerd-namespace-ttrpc", value=self._namespace)],
        )
        self._waiting.append(request.encode())
        if len(self._waiting) == 1:
            self._send()

    def when_empty(self, callback: Callable[[], None]) -> None:
        """Call it once everything has been told, or given up."""
        if self._waiting:
            self._when_empty = callback
        else:
            callback()

    def _send(self) -> None:
        """The first of those that wait."""
        self._tries += 1
        try:
            if self._connection is None:
                self._connect()
            assert self._connection is not None
            self._connection.send(ttrpc.frame(self._stream, ttrpc.REQUEST, self._waiting[0]), MSG_NOSIGNAL)
        except OSError:  # nobody there, or a buffer that a receiver who hangs has left full
            self._failed()
            return
        self._timer = self._loop.after(ANSWER_S, self._failed)

    def _connect(self) -> None:
        found = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        found.setblocking(False)
        try:
            found.connect(self._address)
        except OSError:
            found.close()
            raise
        self._connection = found
        self._frames = ttrpc.Frames()
        self._stream = 1
        self._loop.watch(found.fileno(), EPOLLIN, self._answered)

    def _answered(self, _events: int) -> None:
        assert self._connection is not None
        try:
            data = self._connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            answers = [stream for stream, _, _ in self._frames.feed(data)]
        except (ttrpc.BadFrame, BadMessage):
            answers, data = [], b""
        if self._waiting and self._stream in answers:
            self._next()  # an error is an answer as well: it would not be another the next time
        elif not data:
            self._disconnect()
            if self._timer is not None:
                self._failed()

    def _next(self) -> None:
        self._settle()
        self._waiting.popleft()
        self._tries = 0
        self._stream += 2
        if self._waiting:
            self._send()
        elif self._when_empty is not None:
            callback, self._when_empty = self._when_empty, None
            callback()

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._loop.forget(self._connection.fileno())
            self._connection.close()
            self._connection = None

    def _failed(self) -> None:
        self._settle()
        self._disconnect()
        if self._tries < TRIES:
            self._loop.after(PAUSE_S * self._tries, self._send)
        else:
            self._next()
