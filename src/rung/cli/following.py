"""A client at a container's streams, with its own terminal and signals, until the container or the user ends it."""

from __future__ import annotations

from rung.cli import terminal
from rung.cli.link.engine import Refused
from rung.cli.signals import NAMES, WINCH, Signals
from rung.cli.streams import DETACHED, Session
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from rung.cli.link.engine import Answer, Engine
    from rung.client import Frames

#: How a command that waits for a container ends where the engine cannot say how that ended.
UNKNOWN = 125


class Seat:
    """Where somebody sits: which of a container's streams they have, and how they leave."""

    def __init__(
        self, engine: Engine, path: str, *, tty: bool, stdin: bool, keys: str = "", proxy: bool = False
    ) -> None:
        if tty and stdin and not terminal.is_terminal(0):
            raise RungError("the input device is not a TTY")
        #: ``path``: /containers/ID or /exec/ID, below which its size and its signals go.
        self.engine, self.path = engine, path
        self.tty, self.stdin, self.proxy = tty, stdin, proxy
        self.keys = terminal.keys(keys) if tty or keys else b""

    def signals(self) -> Signals:
        """What is listened to from before the container starts."""
        at_terminal = (WINCH,) if self.tty and terminal.is_terminal(1) else ()
        return Signals((*(NAMES if self.proxy else ()), *at_terminal))

    def sit(
        self,
        signals: Signals,
        hijacked: tuple[_socket.socket, bytes, bool],
        begin: Callable[[], None] | None = None,
    ) -> bool:
        """Until it is over; False where the keys were pressed that detach. ``begin`` starts the other end."""
        connection, early, raw = hijacked
        try:
            with terminal.Raw(self.tty and self.stdin):
                if begin is not None:
                    begin()
                if self.tty:
                    self._resize()
                session = Session(connection, early, None if raw else _frames())
                how = session.run(
                    stdin=self.stdin, keys=self.keys, signals=signals, on_signal=self._on_signal
                )
        finally:
            connection.close()
        return how != DETACHED

    def _on_signal(self, number: int) -> None:
        if number == WINCH:
            self._resize()
        elif number in NAMES:
            self._ask(f"{self.path}/kill", signal=NAMES[number])

    def _resize(self) -> None:
        rows, columns = terminal.size()
        if rows and columns:
            self._ask(f"{self.path}/resize", h=rows, w=columns)

    def _ask(self, path: str, **query: object) -> None:
        try:
            self.engine.post(path, **query)
        except Refused:  # it has ended meanwhile
            pass


def _frames() -> Frames:
    from rung.client import Frames

    return Frames()


def status_of(waiting: Answer) -> int:
    """What ``/wait`` says when it says it. Raises ``RungError``."""
    for document in waiting.documents():
        error = (document.get("Error") or {}).get("Message")
        if error:
            raise RungError("wait for the container", "", str(error))
        return int(document["StatusCode"])
    return UNKNOWN
