"""Kill the runtime or rung-init at a system call of one's choice: exact, and the same each time.

An operation of the library runs in a process of its own under ptrace(2), and every process
it makes is traced too. Each system call that the counted process enters counts; when the
count is reached, the victim gets SIGKILL before the call is made. Of what the
runtime makes only rung-init counts. Nothing sleeps and nothing is timed.

    test -> tracer -> runtime (does the operation) -> rung-init, outer and inner, and the
                                                      outer's helpers, which count apart

The tracer ends with the runtime; what is left alive then goes on untraced, and belongs to
the test process, which adopts orphans.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from rung.errors import RungError

_CONT_SYSCALL, _SEIZE, _GETEVENTMSG, _INTERRUPT = 24, 0x4206, 0x4201, 0x4207
_TRACESYSGOOD, _TRACEFORK, _TRACEVFORK, _TRACECLONE = 1, 2, 4, 8
_EVENTS_WITH_CHILD = (1, 2, 3)  # PTRACE_EVENT_FORK, _VFORK, _CLONE
_WALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass
class Fate:
    """How an operation went: what it said, and how many system calls were counted."""

    said: str = ""
    failed: bool = False
    killed: bool = False
    count: int = 0
    hit: int = 0  # the process that was killed


@dataclass
class _Tracer:
    runtime: int
    counted: str
    victim: str
    at: int
    watch: Callable[[int], None] | None = None
    now: Callable[[], bool] | None = None
    kinds: dict[int, str] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)  # processes between a call's entry and exit
    count: int = 0
    hit: int = 0

    def follow(self) -> int:
        """Until the runtime has ended: its wait status."""
        self.kinds[self.runtime] = "runtime"
        while True:
            pid, status = os.waitpid(-1, _WALL)
            if os.WIFSTOPPED(status):
                self._stopped(pid, status)
            elif pid == self.runtime:
                return status

    def _stopped(self, pid: int, status: int) -> None:
        event, number = status >> 16, os.WSTOPSIG(status)
        forward = 0
        if event in _EVENTS_WITH_CHILD:
            child = ctypes.c_ulong()
            _ptrace(_GETEVENTMSG, pid, 0, ctypes.addressof(child))
            self.kinds[child.value] = self._kind_of_child(pid, event)
        elif number == signal.SIGTRAP | 0x80:
            self._system_call(pid)
        elif not event:
            forward = number
        _ptrace(_CONT_SYSCALL, pid, 0, forward)

    def _kind_of_child(self, pid: int, event: int) -> str:
        if self.kinds[pid] == "runtime":
            return "outer"
        return "helper" if self.kinds[pid] == "outer" and event == 1 else "inner"

    def _system_call(self, pid: int) -> None:
        if pid in self.inside:
            self.inside.discard(pid)
            return
        self.inside.add(pid)
        kind = self.kinds.get(pid, "inner")
        if self.watch and kind != "runtime":
            self.watch(pid)
        if self.counted != (kind if kind in ("runtime", "helper") else "init"):
            return
        if kind != "runtime" and "rung-init" not in _program(pid):
            return  # not yet executed, a hook, or killed by others meanwhile
        if self.count == self.at or (self.now and not self.hit and self.now()):
            self.hit = self.runtime if self.victim == "runtime" else pid
            os.kill(self.hit, signal.SIGKILL)
        self.count += 1


def _program(pid: int) -> str:
    """What a process executes; empty where it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except FileNotFoundError:
        return ""


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    """What is gone, since it was killed, needs nothing."""
    if _libc.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        if number != 3:  # ESRCH
            raise OSError(number, f"ptrace({request})")


def run(
    operation: Callable[[], object],
    counted: str = "init",
    victim: str = "init",
    at: int = -1,
    watch: Callable[[int], None] | None = None,
    now: Callable[[], bool] | None = None,
) -> Fate:
    """Do ``operation`` in a process of its own; kill ``victim`` ("init", "helper": whichever of them is
    at it, "runtime") when ``counted`` enters its system call number ``at`` (-1: never),
    or the first one at which ``now`` says so.
    ``watch`` gets the pid at each call of an init, while it is stopped; what it raises fails."""
    said, saying = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(said)
        try:
            _trace(operation, saying, _Tracer(0, counted, victim, at, watch, now))
        except Exception as bug:  # noqa: BLE001 - told by the exit status
            os.write(saying, f"{type(bug).__name__}: {bug}".encode())
        finally:
            os._exit(99)
    os.close(saying)
    with open(said, encoding="utf-8") as pipe:
        text = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, f"the tracer failed: {text}"
    words, _, facts = text.rpartition("\n")
    count, hit, status = map(int, facts.split())
    code = os.waitstatus_to_exitcode(status)
    return Fate(words, code == 1, code == -signal.SIGKILL, count, hit)


def _trace(operation: Callable[[], object], saying: int, tracer: _Tracer) -> None:
    """The tracer process."""
    go, going = os.pipe()
    runtime = os.fork()
    if runtime == 0:
        os.close(going)
        os.read(go, 1)
        _operate(operation, saying)
    options = _TRACESYSGOOD | _TRACEFORK | _TRACEVFORK | _TRACECLONE
    _ptrace(_SEIZE, runtime, 0, options)
    _ptrace(_INTERRUPT, runtime, 0, 0)  # its system calls stop it from its next stop on
    os.waitpid(runtime, _WALL)
    _ptrace(_CONT_SYSCALL, runtime, 0, 0)
    os.close(go)
    os.close(going)  # the runtime reads the end of the pipe
    tracer.runtime = runtime
    status = tracer.follow()
    os.write(saying, f"\n{tracer.count} {tracer.hit} {status}".encode())
    os._exit(0)


def _operate(operation: Callable[[], object], saying: int) -> None:
    """The runtime's process: 0 when it went well, 1 with a sentence, 2 with a bug."""
    try:
        operation()
    except RungError as error:
        os.write(saying, str(error).encode())
        os._exit(1)
    except Exception as bug:  # noqa: BLE001 - told by the exit status
        os.write(saying, f"{type(bug).__name__}: {bug}".encode())
        os._exit(2)
    os._exit(0)
