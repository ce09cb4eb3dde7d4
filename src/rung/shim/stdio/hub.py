"""A process's streams under Rung's engine: into its log, to any number of clients, and from them to its input.

    rung:/run/rung/.../attach.sock?log=/var/lib/rung/.../log&max-size=1048576&max-file=3&stdin=once

``attach.sock`` takes clients at any time of the process's life: a connection whose first message is a line of JSON
(``Wants`` as an object, ``early`` for what was typed already, as hexadecimal digits) becomes one itself, or hands
over the descriptor that comes with the message. It is answered with ``ok`` when the client will miss nothing from
then on.

Rule: outputs are read only while every client keeps up, so that neither a client nor this process decides what the
other's memory is.
"""

from __future__ import annotations

from _socket import AF_UNIX, CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
from errno import EAGAIN
from select import EPOLLIN, EPOLLOUT
from time import time_ns

from rung import jsonc, posix
from rung.record import Record
from rung.shim.beginning import listen
from rung.shim.errors import BadRequest
from rung.shim.server import peer_uid
from rung.shim.stdio.client import Client, Wants
from rung.shim.stdio.log import LogFile
from rung.spec.jsonfile import Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.loop import Loop

SCHEME = "rung:"
_READ_BYTES = 1 << 16
#: What may wait for a process that does not read its input.
INPUT_BYTES = 1 << 16


class Place(Record):
    """An address of the scheme. ``log`` empty: there is none."""

    socket: str
    log: str = ""
    size_bytes: int = 0
    files: int = 1
    stdin: str = ""  # "open": stays; "once": ends with the first client's; "": there is none
    attributes: str = ""  # of each record of the log, as JSON
    compress: bool = False


def parse(address: str) -> Place:
    """Raises ``BadRequest``."""
    path, _, query = address.removeprefix(SCHEME).partition("?")
    words = dict(part.partition("=")[::2] for part in query.split("&") if part)
    try:
        size, files = int(words.get("max-size", 0)), int(words.get("max-file", 1))
        attributes = bytes.fromhex(words.get("attrs", "")).decode()
    except ValueError as error:
        raise BadRequest("stream", f'"{address}"', str(error)) from None
    compress = words.get("compress") == "1"
    return Place(path, words.get("log", ""), size, files, words.get("stdin", ""), attributes, compress)


def _log(loop: Loop, place: Place) -> LogFile:
    return LogFile(place.log, place.size_bytes, place.files, loop.aside if place.compress else None)


class Hub:
    """One process's. ``terminal``: one output, not framed."""

    def __init__(self, loop: Loop, place: Place, *, terminal: bool) -> None:
        self._loop, self._place, self._terminal = loop, place, terminal
        self._log = _log(loop, place) if place.log else None
        self._lines = {name: Lines(name, place.attributes) for name in ("stdout", "stderr")}
        self._sources: dict[int, str] = {}
        self._clients: list[Client] = []
        self._input = -1
        self._typed = bytearray()
        self._input_ends = False
        self._held_up = self._told = False
        self._ended: Callable[[], None] | None = None
        #: Called when the process's input has come to its end.
        self.input_over: Callable[[], None] | None = None
        self._listening = listen(place.socket)
        loop.watch(self._listening, EPOLLIN, self._accept)

    # --- outputs ----------------------------------------------------------------------

    def begin(self, outputs: dict[int, str], input_fd: int, ended: Callable[[], None]) -> None:
        """Descriptors of outputs with the streams' names, and the process's input, or -1; all are owned from here."""
        self._ended = ended
        self._sources = dict(outputs)
        for fd in outputs:
            posix.set_blocking(fd, False)
        self._input = input_fd
        if input_fd >= 0:
            posix.set_blocking(input_fd, False)
        self._read_outputs()
        self._write_input()

    def _read_outputs(self) -> None:
        for fd in self._sources:
            self._watch_output(fd)

    def _watch_output(self, fd: int) -> None:
        def readable(_events: int) -> None:
            self._read(fd)

        self._loop.watch(fd, EPOLLIN, readable)

    def _read(self, fd: int) -> bool:
        """Whether there may be more."""
        try:
            data = posix.read(fd, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # EIO: a terminal that nobody has open any more
            data = b""
        stream = self._sources[fd]
        if not data:
            self._source_ended(fd, stream)
            return False
        if self._log is not None and (records := self._lines[stream].feed(data, time_ns())):
            self._log.write(records)
        for client in list(self._clients):
            client.send(stream, data)
        if any(client.behind for client in self._clients):
            self._hold_up()
        return True

    def _source_ended(self, fd: int, stream: str) -> None:
        self._loop.forget(fd)
        posix.close(fd)
        del self._sources[fd]
        if self._log is not None and (records := self._lines[stream].end(time_ns())):
            self._log.write(records)
        if not self._sources:
            self._let_go()
            if self._ended is not None:
                self._ended()

    def process_over(self) -> None:
        """The process's end has been told: now clients may go, and who asks then how it went gets an answer."""
        self._told = True
        self._let_go()

    def _let_go(self) -> None:
        if self._told and self._ended is not None and self.over:
            for client in list(self._clients):
                client.end()

    def _hold_up(self) -> None:
        if not self._held_up:
            self._held_up = True
            for fd in self._sources:
                self._loop.forget(fd)

    def caught_up(self) -> None:
        """A client has read some."""
        if self._held_up and not any(client.behind for client in self._clients):
            self._held_up = False
            self._read_outputs()

    @property
    def over(self) -> bool:
        """Whether the outputs have ended."""
        return not self._sources

    def drain(self) -> None:
        """What is in the outputs already is still taken; then they end, whoever keeps them open."""
        for fd in list(self._sources):
            while self._read(fd):
                pass
            if fd in self._sources:
                self._source_ended(fd, self._sources[fd])

    # --- input ------------------------------------------------------------------------

    @property
    def takes_input(self) -> bool:
        """Whether the process has an input at all."""
        return bool(self._place.stdin)

    @property
    def input_is_full(self) -> bool:
        """Whether clients have to wait until the process reads."""
        return len(self._typed) >= INPUT_BYTES

    def typed(self, data: bytes) -> None:
        """Input for the process."""
        if self._input_ends:
            return
        self._typed += data
        self._write_input()

    def input_ended(self) -> None:
        """A client will type no more."""
        if self._place.stdin == "once" and not self._terminal:
            self.end_input()

    def end_input(self) -> None:
        """The process's input ends after what has been typed."""
        self._input_ends = True
        self._write_input()

    def _write_input(self) -> None:
        if self._input < 0:
            return
        was_full = self.input_is_full
        try:
            while self._typed:
                del self._typed[: posix.write(self._input, self._typed)]
        except OSError as error:
            if error.errno == EAGAIN:
                self._loop.watch(self._input, EPOLLOUT, lambda _events: self._write_input())
            else:  # it reads no more: the rest is swallowed
                self._typed.clear()
                self._input_ends = True
                self._close_input()
        else:
            self._loop.forget(self._input)
            if self._input_ends:
                self._close_input()
        if was_full and not self.input_is_full:
            for client in self._clients:
                client.look_again()

    def _close_input(self) -> None:
        self._loop.forget(self._input)
        posix.close(self._input)
        self._input = -1
        if self.input_over is not None:
            self.input_over()

    # --- clients ----------------------------------------------------------------------

    def _accept(self, _events: int) -> None:
        server = socket(AF_UNIX, SOCK_STREAM, 0, posix.dup(self._listening))
        try:
            fd, _ = server._accept()  # type: ignore[attr-defined]
        except OSError:
            return
        finally:
            server.close()
        connection = socket(AF_UNIX, SOCK_STREAM, 0, fd)
        if peer_uid(connection) not in (0, posix.geteuid()):
            connection.close()
            return
        self._loop.watch(fd, EPOLLIN, lambda _events: self._meet(connection))

    def _meet(self, connection: socket) -> None:
        """The first message of a connection."""
        self._loop.forget(connection.fileno())
        if self._listening < 0:  # closed meanwhile
            connection.close()
            return
        try:
            message, control, _, _ = connection.recvmsg(1 << 16, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
            given = jsonc.loads(message)
            early = bytes.fromhex(given.pop("early", ""))
            wants = Wants(**{**given, "detach": bytes.fromhex(given.get("detach", ""))})
        except (OSError, ValueError, TypeError):
            connection.close()
            return
        fds = [data for level, kind, data in control if (level, kind) == (SOL_SOCKET, SCM_RIGHTS)]
        if fds:
            fd = int.from_bytes(fds[0][:4], "little")
            self._join(fd, wants, early)
            connection.send(b"ok\n")
            connection.close()
        else:
            connection.send(b"ok\n")
            self._join(connection.detach(), wants, early)

    def _join(self, fd: int, wants: Wants, early: bytes) -> None:
        framed = wants.framed if wants.framed is not None else not self._terminal
        client = Client(self._loop, self, fd, wants, framed=framed)
        self._clients.append(client)
        if early:
            client.typed(early)
        self._let_go()

    def gone(self, client: Client) -> None:
        """A client has hung up."""
        if client in self._clients:
            self._clients.remove(client)
        self.caught_up()

    def detached(self, client: Client) -> None:
        """A client has typed its keys."""
        client.close()

    def close(self) -> None:
        """Let everybody go; the process has ended, or never came."""
        if self._listening >= 0:
            self._loop.forget(self._listening)
            posix.close(self._listening)
            self._listening = -1
            try:
                posix.unlink(self._place.socket)
            except FileNotFoundError:
                pass
        for fd in list(self._sources):
            self._source_ended(fd, self._sources[fd])
        for client in list(self._clients):
            client.end()
        if self._input >= 0:
            self._close_input()
        if self._log is not None:
            self._log.close()
            self._log = None
