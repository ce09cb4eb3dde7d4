"""A container's streams and this process's own, joined in one loop: input to it, output from it, signals meanwhile.

Docker's streams: a terminal's bytes as they are, else frames (``rung.client.Frames``).
"""

from __future__ import annotations

import _socket
import select

from rung import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.cli.signals import Signals
    from rung.client import Frames

_PIECE = 1 << 16
#: More than this from stdin waits here until the container takes some.
ENDED, DETACHED = "ended", "detached"


def write_all(fd: int, data: bytes) -> None:
    """All of it; a descriptor that does not block is waited for."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[posix.write(fd, rest) :]
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(fd, select.POLLOUT)
            waiting.poll()


class Escape:
    """Looks for the keys that detach. Bytes in, what is the container's out."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """What goes on, and whether the keys were pressed. The beginning of the keys is held back."""
        if not self._keys:
            return data, False
        data = self._held + data
        self._held = b""
        at = data.find(self._keys)
        if at >= 0:
            return data[:at], True
        for size in range(min(len(self._keys) - 1, len(data)), 0, -1):
            if data.endswith(self._keys[:size]):
                self._held = data[-size:]
                return data[:-size], False
        return data, False


class Session:
    """One hijacked connection."""

    def __init__(self, connection: _socket.socket, early: bytes, frames: Frames | None) -> None:
        self._connection, self._frames = connection, frames
        self._early = early
        self._pending = b""
        self._input_over = False

    def run(
        self,
        *,
        stdin: bool,
        keys: bytes = b"",
        signals: Signals | None = None,
        on_signal: Callable[[int], None],
    ) -> str:
        """Until the container's side ends, or the keys are pressed."""
        self._poll = select.poll()
        self._poll.register(self._connection, select.POLLIN)
        self._escape = Escape(keys)
        if signals is not None:
            self._poll.register(signals.fd, select.POLLIN)
        if stdin:
            self._watch_input(True)
        self._show(self._early)
        while True:
            for fd, event in self._poll.poll():
                if signals is not None and fd == signals.fd:
                    for number in signals.arrived():
                        on_signal(number)
                elif fd == 0:
                    if self._read_input():
                        return DETACHED
                else:
                    if event & select.POLLOUT:
                        self._push()
                    if event & ~select.POLLOUT and not self._receive():
                        return ENDED

    def _receive(self) -> bool:
        try:
            data = self._connection.recv(_PIECE)
        except ConnectionError:
            return False
        self._show(data)
        return bool(data)

    def _show(self, data: bytes) -> None:
        if self._frames is None:
            write_all(1, data)
            return
        for stream, piece in self._frames.receive(data):
            write_all(2 if stream == 2 else 1, piece)

    # --- input -----------------------------------------------------------------------

    def _watch_input(self, on: bool) -> None:
        try:
            if on:
                self._poll.register(0, select.POLLIN)
            else:
                self._poll.unregister(0)
        except (KeyError, OSError):
            pass

    def _read_input(self) -> bool:
        """Whether the keys that detach were pressed."""
        try:
            data = posix.read(0, _PIECE)
        except OSError:  # the terminal has gone
            data = b""
        if not data:
            self._watch_input(False)
            self._input_over = True
            self._push()
            return False
        data, pressed = self._escape.take(data)
        self._pending += data
        if pressed:
            return True
        self._push()
        return False

    def _push(self) -> None:
        """What the container takes now; while some is left, no more is read."""
        try:
            while self._pending:
                self._pending = self._pending[self._connection.send(self._pending, _socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            self._watch_input(False)
            self._poll.modify(self._connection, select.POLLIN | select.POLLOUT)
            return
        except ConnectionError:
            self._pending = b""
            self._input_over = True
        self._poll.modify(self._connection, select.POLLIN)
        if not self._input_over:
            self._watch_input(True)
            return
        self._watch_input(False)
        try:
            self._connection.shutdown(_socket.SHUT_WR)
        except OSError:
            pass
