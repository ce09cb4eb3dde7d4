"""A container's terminal, joined to the caller's.

config.md#process: with ``terminal``, rung-init opens a pseudoterminal inside the
container and sends its controlling end (the *console*) over a socket. Who runs the
container in the foreground receives it and is, from then on, the cable between it and
the terminal, file or pipe that the user is at:

    ours, theirs = pair()
    container = runtime.create(..., console_fd=theirs.fileno())
    console = receive(ours)
    with Terminal.of_caller() as terminal:       # raw until the block ends
        terminal.copy_size_to(console)           # and again at each SIGWINCH
        relay(console, until=pidfd)

Rule: descriptors 0 to 2 belong to our caller too, so their file status flags are never
changed (``O_NONBLOCK`` would be seen by the shell); only portions that ``poll`` says
will not block are written. Nothing imports until it is used: most containers have no
terminal, and the workload of those that do takes longer than ``termios`` to import.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Any

#: What one write takes without blocking once ``poll`` has said POLLOUT (pipe(7): PIPE_BUF).
PORTION_BYTES = 4096
#: How much may wait for a slow reader before the other side is left to wait as well.
HIGH_WATER_BYTES = 64 * 1024


def pair() -> tuple[socket, socket]:
    """Two ends of a console socket: ours to ``receive`` from, and the one for rung-init."""
    from _socket import AF_UNIX, SOCK_STREAM, socketpair

    return socketpair(AF_UNIX, SOCK_STREAM)


def receive(connection: socket) -> int:
    """The console that comes over ``connection``; it closes at exec. Raises RungError."""
    from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET

    _, control, _, _ = connection.recvmsg(4096, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
    for level, kind, data in control:
        if level == SOL_SOCKET and kind == SCM_RIGHTS and len(data) >= 4:
            return int.from_bytes(data[:4], "little")
    raise RungError("receive the terminal", "", "rung-init closed the console socket without sending it")


def keep_line_ends(console: int) -> None:
    """Let a line end in ``\\n`` alone, as runc does, rather than in ``\\r\\n``.

    For output that goes into a file or a pipe; on a terminal nobody sees a difference."""
    import termios

    attributes = termios.tcgetattr(console)
    attributes[1] &= ~termios.ONLCR
    termios.tcsetattr(console, termios.TCSANOW, attributes)


class Terminal:
    """The terminal that the caller is at, or none. Raw within a ``with`` block."""

    def __init__(self, fd: int, *, raw_output: bool = False) -> None:
        self.fd = fd
        self._raw_output = raw_output
        self._before: list[Any] | None = None

    @classmethod
    def of_caller(cls, *, raw_output: bool = False) -> Terminal:
        """The first of stderr, stdout and stdin that is a terminal; ``fd`` -1 if none is."""
        found = (fd for fd in (2, 1, 0) if posix.isatty(fd))
        return cls(next(found, -1), raw_output=raw_output)

    def __enter__(self) -> Terminal:
        if self.fd >= 0:
            import termios

            self._before = termios.tcgetattr(self.fd)
            termios.tcsetattr(self.fd, termios.TCSANOW, raw(self._before, self._raw_output))
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            try:
                termios.tcsetattr(self.fd, termios.TCSADRAIN, self._before)
            except termios.error:
                return  # hung up meanwhile: nobody is at it any more
            finally:
                self._before = None

    def copy_size_to(self, console: int) -> None:
        """Give the console this terminal's size; its foreground processes get SIGWINCH."""
        if self.fd < 0:
            return
        from fcntl import ioctl
        from termios import TIOCGWINSZ, TIOCSWINSZ

        try:
            ioctl(console, TIOCSWINSZ, ioctl(self.fd, TIOCGWINSZ, bytes(8)))
        except OSError:
            return  # one of the two has hung up, which the relay finds out


def raw(attributes: list[Any], raw_output: bool) -> list[Any]:
    """Terminal attributes changed as cfmakeraw(3) does; output is left alone unless asked."""
    import termios as t

    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = attributes
    iflag &= ~(t.IGNBRK | t.BRKINT | t.PARMRK | t.ISTRIP | t.INLCR | t.IGNCR | t.ICRNL | t.IXON)
    if raw_output:
        oflag &= ~t.OPOST
    lflag &= ~(t.ECHO | t.ECHONL | t.ICANON | t.ISIG | t.IEXTEN)
    cflag = cflag & ~(t.CSIZE | t.PARENB) | t.CS8
    characters = list(characters)
    characters[t.VMIN] = 1
    characters[t.VTIME] = 0
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, characters]


def relay(console: int, until: int, stdin: int = 0, stdout: int = 1) -> None:
    """Copy both ways until the descriptor ``until`` (a pidfd) becomes readable, then what is left.

    Python's signal handlers run meanwhile. End of ``stdin`` ends only that direction. When
    nobody reads ``stdout`` any more, output is thrown away, so that the workload goes on."""
    posix.set_blocking(console, False)
    _Cable(console, until, stdin, stdout).run()


class _Cable:
    """The state of one relay: what has been read on each side and not been written yet."""

    def __init__(self, console: int, until: int, stdin: int, stdout: int) -> None:
        from select import POLLIN, POLLOUT, poll

        self._in, self._out = POLLIN, POLLOUT
        self._poll = poll()
        self._poll.register(until, POLLIN)
        self._console, self._until, self._stdin, self._stdout = console, until, stdin, stdout
        self._typed = b""  # from stdin, for the console
        self._shown = b""  # from the console, for stdout
        self._console_open = self._stdin_open = self._stdout_open = True

    def run(self) -> None:
        ended = False
        while not ended:
            self._watch(self._console, self._console_interest() if self._console_open else 0)
            self._watch(self._stdin, self._in if self._stdin_open and not self._typed else 0)
            self._watch(self._stdout, self._out if self._shown else 0)
            for fd, events in self._poll.poll():
                if fd == self._until:
                    ended = True
                elif fd == self._console:
                    self._serve_console(events)
                elif fd == self._stdin and events & ~self._out:
                    self._read_stdin()
                if fd == self._stdout and events & ~self._in and self._shown:
                    self._write_stdout()
        self._finish()

    def _console_interest(self) -> int:
        interest = self._in if len(self._shown) < HIGH_WATER_BYTES else 0
        return interest | (self._out if self._typed else 0)

    def _watch(self, fd: int, interest: int) -> None:
        if fd == self._stdin == self._stdout:  # one descriptor serves both directions
            interest = (self._in if self._stdin_open and not self._typed else 0) | (
                self._out if self._shown else 0
            )
        if interest:
            self._poll.register(fd, interest)
            return
        try:
            self._poll.unregister(fd)
        except KeyError:
            return

    def _serve_console(self, events: int) -> None:
        if events & ~self._out:
            self._read_console()
        if events & self._out and self._typed:
            try:
                self._typed = self._typed[posix.write(self._console, self._typed) :]
            except BlockingIOError:
                return
            except OSError:
                self._typed = b""

    def _read_console(self) -> bool:
        """Whether there was something. EIO: every process has closed the terminal."""
        try:
            data = posix.read(self._console, PORTION_BYTES * 4)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._console_open = False
        elif self._stdout_open:
            self._shown += data
        return bool(data)

    def _read_stdin(self) -> None:
        try:
            data = posix.read(self._stdin, PORTION_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._typed = data
        self._stdin_open = bool(data)

    def _write_stdout(self) -> None:
        try:
            self._shown = self._shown[posix.write(self._stdout, self._shown[:PORTION_BYTES]) :]
        except BlockingIOError:
            return
        except OSError:
            self._stdout_open = False
            self._shown = b""

    def _finish(self) -> None:
        """The process has ended: its last words, for which blocking is fine now."""
        while self._console_open and self._read_console():
            self._drain()
        self._drain()

    def _drain(self) -> None:
        from select import poll

        ready = poll()
        ready.register(self._stdout, self._out)
        while self._shown:
            ready.poll()
            self._write_stdout()
