"""The three streams of one process, from what the caller named to what the process has.

    streams = Streams(loop, asked, ...)   opens the outer ends
    runtime.create(..., streams.theirs)   the inner ends: pipes, or a terminal that comes back
    streams.flow(console)                 copying begins
    streams.when_ended(callback)          both outputs have come to their end

Rule: whoever makes it calls ``flow`` or ``close``, and after ``flow`` the copying ends by itself with the process's
last writer.
"""

from __future__ import annotations

from rung import posix
from rung.record import Record
from rung.shim.errors import FailedPrecondition, ShimError
from rung.shim.stdio.flow import Flow
from rung.shim.stdio.hub import SCHEME, Hub, parse
from rung.shim.stdio.places import Outputs, open_input, open_outputs
from rung.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.loop import Loop


class Asked(Record):
    """What a request says of a process's streams: addresses (empty: none), and who shall own the pipes."""

    stdin: str = ""
    stdout: str = ""
    stderr: str = ""
    terminal: bool = False
    uid: int = 0
    gid: int = 0


class Ends(Record):
    """What a runtime gives to a process: three descriptors, or a terminal that it makes."""

    stdin: int = -1
    stdout: int = -1
    stderr: int = -1
    terminal: bool = False


class Streams:
    """See the module."""

    def __init__(self, loop: Loop, asked: Asked, container_id: str, namespace: str) -> None:
        self._loop = loop
        self._asked = asked
        self._flows: list[Flow] = []
        self._hub: Hub | None = None
        self._inner: list[int] = []  # the process's ends, ours until it has them
        self._pipes: dict[str, int] = {}  # our ends of its pipes
        self._outputs = Outputs()
        self._input = self._input_keeper = -1
        self._waiting: list[Callable[[], None]] = []
        self._console = self._typed = -1
        with Undo() as undo:
            engines = asked.stdout.startswith(SCHEME)
            wanted = self._open_hub(undo) if engines else self._open(container_id, namespace, undo)
            self.theirs = Ends(terminal=True) if asked.terminal else self._make_pipes(wanted, undo)
            undo.keep()

    def _open(self, container_id: str, namespace: str, undo: Undo) -> set[str]:
        """containerd's places: which streams there are."""
        asked = self._asked
        self._outputs = open_outputs(asked.stdout, asked.stderr, container_id, namespace, undo)
        if asked.stdin:
            self._input, self._input_keeper = open_input(asked.stdin)
            undo.push(posix.close, self._input)
            undo.push(posix.close, self._input_keeper)
        found = {"stdin": self._input, "stdout": self._outputs.stdout, "stderr": self._outputs.stderr}
        return {name for name, fd in found.items() if fd >= 0}

    def _open_hub(self, undo: Undo) -> set[str]:
        """The engine's place."""
        place = parse(self._asked.stdout)
        try:
            self._hub = Hub(self._loop, place, terminal=self._asked.terminal)
        except OSError as error:
            raise ShimError("open streams", f'"{place.socket}"', error.strerror or "") from None
        undo.push(self._hub.close)
        return {"stdout", "stderr", *(["stdin"] if place.stdin else [])}

    def _make_pipes(self, wanted: set[str], undo: Undo) -> Ends:
        ends = {}
        for name in ("stdin", "stdout", "stderr"):
            if name not in wanted:
                inner = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
            else:
                reader, writer = posix.pipe2(posix.O_CLOEXEC)
                inner, ours = (reader, writer) if name == "stdin" else (writer, reader)
                undo.push(posix.close, ours)
                self._pipes[name] = ours
                if self._asked.uid or self._asked.gid:
                    posix.fchown(inner, self._asked.uid, self._asked.gid)
            undo.push(posix.close, inner)
            ends[name] = inner
            self._inner.append(inner)
        return Ends(ends["stdin"], ends["stdout"], ends["stderr"])

    @property
    def terminal(self) -> bool:
        """Whether the process has one."""
        return self._asked.terminal

    def when_input_ends(self, callback: Callable[[], None]) -> None:
        """Call it then: another shim keeps the process's input open until it is told."""
        if self._hub is not None:
            self._hub.input_over = callback

    def flow(self, console: int = -1, typed: int = -1) -> None:
        """The process has its ends: copying begins. ``console`` is the terminal's controlling end; ``typed`` takes its
        input, where somebody else holds the terminal and there are two pipes to him."""
        self._close_inner()
        self._console, self._typed = console, typed
        if self._hub is not None:
            self._begin_hub(self._hub)
            return
        for name, sink in (("stdout", self._outputs.stdout), ("stderr", self._outputs.stderr)):
            if sink >= 0 and (name == "stdout" or not self.terminal):
                self._flows.append(Flow(self._loop, self._ours(name), sink, self._flow_ended))
        if self._input >= 0:
            Flow(self._loop, self._input, self._ours("stdin"), self.close_stdin)
        self._outputs = Outputs()
        self._input = -1

    def _begin_hub(self, hub: Hub) -> None:
        if self.terminal:
            typed = self._ours("stdin") if hub.takes_input else -1
            hub.begin({self._ours("stdout"): "stdout"}, typed, self._flow_ended)
        else:
            outputs = {self._pipes.pop(name): name for name in ("stdout", "stderr")}
            hub.begin(outputs, self._pipes.pop("stdin", -1), self._flow_ended)

    def _ours(self, name: str) -> int:
        """Our end of a stream, for whoever copies it to own."""
        if not self.terminal:
            return self._pipes.pop(name)
        copy = posix.dup(self._typed if name == "stdin" and self._typed >= 0 else self._console)
        posix.set_inheritable(copy, False)
        return copy

    @property
    def _over(self) -> bool:
        return self._hub.over if self._hub is not None else all(flow.over for flow in self._flows)

    def _flow_ended(self) -> None:
        if self._over:
            waiting, self._waiting = self._waiting, []
            for callback in waiting:
                callback()

    def when_ended(self, callback: Callable[[], None]) -> None:
        """Call it once both outputs have ended; now, if they have."""
        if self._over:
            callback()
        else:
            self._waiting.append(callback)

    def close_stdin(self) -> None:
        """The input ends when what was written to it up to now has been read, and its writers are gone."""
        if self._hub is not None:
            self._hub.end_input()
        elif self._input_keeper >= 0:
            posix.close(self._input_keeper)
            self._input_keeper = -1

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a size."""
        if self._console < 0:
            raise FailedPrecondition("resize", "", "the process has no terminal")
        from fcntl import ioctl
        from struct import pack
        from termios import TIOCSWINSZ

        ioctl(self._console, TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))

    def _close_inner(self) -> None:
        while self._inner:
            posix.close(self._inner.pop())

    def process_over(self) -> None:
        """The process's end has been told."""
        if self._hub is not None:
            self._hub.process_over()

    def drain(self) -> None:
        """What the outputs hold still comes; somebody else keeps them open, but nothing more will be copied."""
        if self._hub is not None:
            self._hub.drain()
        for flow in self._flows:
            flow.drain()

    def close(self) -> None:
        """Give everything back: after the outputs have ended, or where nothing was started."""
        self._close_inner()
        if self._hub is not None:
            self._hub.close()
        else:
            self.close_stdin()
        ours = (self._console, self._typed, *self._pipes.values())
        for fd in (self._input, self._outputs.stdout, self._outputs.stderr, *ours):
            if fd >= 0:
                posix.close(fd)
        self._pipes.clear()
        self._input = self._console = self._typed = -1
        self._outputs = Outputs()
        for flow in self._flows:
            flow.close()
