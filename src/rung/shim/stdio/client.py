"""One client that is attached to a process: what it shall get is queued, what it types is handed on.

Framing is Docker's (API, "Stream format"): without a terminal each piece has a header of eight bytes, the stream's
number, three zeros, and the length, big endian.
"""

from __future__ import annotations

from _socket import AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_RDWR, SOCK_STREAM, socket
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.loop import Loop
    from rung.shim.stdio.hub import Hub

NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}
#: A client that is so far behind holds the process up, until it has read some.
HIGH_WATER_BYTES = 1 << 19
_READ_BYTES = 1 << 16


class Wants(Record):
    """What a client asked for. ``detach``: the keys that end its attachment, in their order; ``framed`` None: as it is
    with a terminal, or without."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    detach: bytes = b""
    framed: bool | None = None


class Client:
    """Owns the descriptor."""

    def __init__(self, loop: Loop, hub: Hub, fd: int, wants: Wants, *, framed: bool) -> None:
        self._loop, self._hub = loop, hub
        self._socket = socket(AF_UNIX, SOCK_STREAM, 0, fd)
        self._socket.setblocking(False)
        self.wants = wants
        self._framed = framed
        self._unsent = bytearray()
        self._listens = True
        self._typed = b""  # the beginning of the detach keys, held back
        self._ending = False
        self.open = True
        self._watch()

    @property
    def behind(self) -> bool:
        """Whether it has more to read than it should."""
        return len(self._unsent) > HIGH_WATER_BYTES

    def send(self, stream: str, data: bytes) -> None:
        """A piece of output, if it is one of those it wants."""
        if not self.open or not (self.wants.stdout if stream == "stdout" else self.wants.stderr):
            return
        if self._framed:
            self._unsent += bytes((NUMBERS[stream], 0, 0, 0)) + len(data).to_bytes(4, "big")
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        was_behind = self.behind
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent, MSG_DONTWAIT | MSG_NOSIGNAL)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._ending and not self._unsent:
            self.close()
            return
        self._watch()
        if was_behind and not self.behind:
            self._hub.caught_up()

    def _watch(self) -> None:
        if not self.open:
            return
        reads = self._listens and not self._hub.input_is_full
        self._loop.watch(
            self._socket.fileno(), (EPOLLIN if reads else 0) | (EPOLLOUT if self._unsent else 0), self._ready
        )

    def look_again(self) -> None:
        """The process takes input again."""
        self._watch()

    def _ready(self, events: int) -> None:
        if events & EPOLLOUT:
            self._flush()
        if self.open and self._listens and events & EPOLLIN:
            self._read()
        elif self.open and events & (EPOLLHUP | EPOLLERR):
            self.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if data:
            self.typed(data)
            return
        self._listens = False
        self._watch()
        if self.wants.stdin:
            self._hub.input_ended()

    def typed(self, data: bytes) -> None:
        """Input of the client's."""
        if not self.wants.stdin:
            return
        if self.wants.detach:
            data = self._typed + data
            at = data.find(self.wants.detach)
            if at >= 0:
                self._hub.typed(data[:at])
                self._hub.detached(self)
                return
            held = _held(data, self.wants.detach)
            self._typed, data = data[len(data) - held :], data[: len(data) - held]
        if data:
            self._hub.typed(data)
            self._watch()

    def end(self) -> None:
        """Close it once it has got all."""
        self._ending = True
        self._flush()

    def close(self) -> None:
        """Let it go now."""
        if not self.open:
            return
        self.open = False
        self._loop.forget(self._socket.fileno())
        try:
            self._socket.shutdown(SHUT_RDWR)  # others may hold the same connection
        except OSError:
            pass  # it is gone already
        self._socket.close()
        self._hub.gone(self)


def _held(data: bytes, keys: bytes) -> int:
    """How many bytes at the end may be the beginning of the keys."""
    return next((size for size in range(min(len(keys) - 1, len(data)), 0, -1) if keys.startswith(data[-size:])), 0)
