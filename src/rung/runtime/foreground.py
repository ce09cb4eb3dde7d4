"""Staying with a process until it ends: its signals, its terminal, its exit status.

    with Foreground(terminal=True) as foreground:
        container = runtime.create(id, bundle, console_fd=foreground.console_fd)
        foreground.receive_console()
        container.start()
        status = foreground.stay(container)

Signals that reach us go to the process (but see ``signals.OURS``); a terminal that comes
over the console socket is joined to the caller's (``console.py``). The process is our
child and is not reaped before ``wait``, so its pid and pidfd are its own all the time.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.parent import parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Protocol

    class Started(Protocol):
        """A container that has been started, or a process in one."""

        @property
        def pid(self) -> int: ...

        def wait(self) -> int: ...


class Foreground:
    """Made before the process, so that no signal in between is lost.

    ``raw_output``: line ends arrive as the container's terminal makes them, ``\\r\\n``, as
    with Docker. Otherwise they do so only on a terminal, and are ``\\n`` elsewhere, as with
    runc."""

    def __init__(self, *, terminal: bool, raw_output: bool = False) -> None:
        if terminal:
            parent().own("the terminal")
        self._signals = parent().forwarder()
        self._keep_line_ends = not raw_output and not posix.isatty(1)
        self._console = -1
        self._ours: socket | None = None
        self._theirs: socket | None = None
        if terminal:
            from rung.runtime.console import pair

            self._ours, self._theirs = pair()

    @property
    def console_fd(self) -> int:
        """The end of the console socket that rung-init gets; -1 without a terminal."""
        return self._theirs.fileno() if self._theirs else -1

    def receive_console(self) -> None:
        """Take the terminal that create or exec has sent; ``stay`` does it at the latest.

        To be done before start where there is one: only then has the terminal its size and
        its line ends before the workload's first instruction."""
        if self._ours is None or self._theirs is None or self._console >= 0:
            return
        from rung.runtime.console import Terminal, keep_line_ends, receive

        self._theirs.close()
        self._console = receive(self._ours)
        Terminal.of_caller().copy_size_to(self._console)
        if self._keep_line_ends:
            keep_line_ends(self._console)

    def stay(self, process: Started) -> int:
        """Until it ends: its exit status, or 128 and the number of the signal that ended it."""
        pidfd = posix.pidfd_open(process.pid)
        try:
            self._signals.send_to(pidfd)
            self.receive_console()
            if self._console >= 0:
                _join(self._console, pidfd)
            return process.wait()
        finally:
            self.close()
            posix.close(pidfd)

    def last_words(self) -> None:
        """Print what a container has said on its terminal that is gone before anybody stayed with it."""
        if self._console < 0:
            return
        posix.set_blocking(self._console, False)
        try:
            while words := posix.read(self._console, 1 << 16):
                posix.write(1, words)
        except OSError:  # EIO: nobody has it open any more; EAGAIN: somebody has
            return

    def close(self) -> None:
        """Signals are ours again, and the console is gone. ``stay`` ends with it."""
        self._signals.stop()
        for end in (self._ours, self._theirs):
            if end is not None:
                end.close()
        if self._console >= 0:
            posix.close(self._console)
            self._console = -1

    def __enter__(self) -> Foreground:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _join(console: int, pidfd: int) -> None:
    from _signal import SIG_DFL, SIGWINCH, signal  # type: ignore[import-not-found]

    from rung.runtime.console import Terminal, relay

    before = SIG_DFL
    try:
        with Terminal.of_caller(raw_output=True) as terminal:
            before = signal(SIGWINCH, lambda _signal, _frame: terminal.copy_size_to(console))
            terminal.copy_size_to(console)
            relay(console, pidfd)
    finally:
        signal(SIGWINCH, before)
