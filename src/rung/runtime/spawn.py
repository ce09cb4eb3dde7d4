"""Starting rung-init on a plan, and listening to it until it is ready.

rung-init is executed from a sealed copy in memory, so that a container that gets hold of
its ``/proc/PID/exe`` cannot write to the program on the host (CVE-2019-5736). It gets
only the descriptors named here; everything else of ours closes at exec.

The conversation (plan/wire.py) is one way but for the go-ahead at a Sync; what failed is
read from the ledger, so an init that was killed tells as much as one that complained.
"""

from __future__ import annotations

from rung import posix
from rung.files import write_whole
from rung.record import Record
from rung.runtime.errors import CgroupNotEntered, ExecError, InitKilled, RuntimeFailure, StepError
from rung.runtime.parent import parent
from rung.runtime.plan import steps, wire
from rung.runtime.state import standing
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.runtime.plan.request import Plan

_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_EXEC = 1, 2, 0x10
_F_ADD_SEALS, _SEAL_ALL = 1033, 0xF  # seal, shrink, grow, write
_CONTROL_SIZE = 4096
_ROOM_FOR_FD = 24  # CMSG_SPACE(sizeof(int)) of a 64-bit kernel
_MSG_CMSG_CLOEXEC = 0x40000000

_sealed = -1


class Stdio(Record):
    """The descriptors that become 0, 1 and 2 of the workload."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2


def init_path() -> str:
    """Where the build put rung-init."""
    here = posix.dirname(posix.dirname(posix.abspath(__file__)))
    return posix.join(here, "_bin", "rung-init")


def sealed_init() -> int:
    """A descriptor of the sealed copy; made once in a process."""
    global _sealed
    if _sealed < 0:
        _sealed = _seal(init_path())
    return _sealed


def _seal(path: str) -> int:
    import fcntl

    try:
        source = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except FileNotFoundError:
        raise RuntimeFailure("rung-init", path, "is missing", "build it: pip install . or make build") from None
    try:
        size = posix.fstat(source).st_size
        try:
            copy = posix.memfd_create("rung-init", _MFD_CLOEXEC | _MFD_ALLOW_SEALING | _MFD_EXEC)
        except OSError:  # before Linux 6.3 there is no MFD_EXEC, and all are executable
            copy = posix.memfd_create("rung-init", _MFD_CLOEXEC | _MFD_ALLOW_SEALING)
        done = 0
        while done < size:
            done += posix.sendfile(copy, source, done, size - done)
    finally:
        posix.close(source)
    fcntl.fcntl(copy, _F_ADD_SEALS, _SEAL_ALL)
    return copy


class Init:
    """A rung-init at work. ``pid`` is the container's first process once it is born."""

    def __init__(self, outer: int, control: object, ledger_fd: int, plan: Plan) -> None:
        self.outer = outer
        self.pid = 0
        self._control = control
        self._ledger_fd = ledger_fd
        self._plan = plan

    def ledger(self, *, with_calls: bool = False) -> wire.Ledger:
        """What it has written down so far."""
        size = posix.fstat(self._ledger_fd).st_size
        return wire.read_ledger(posix.pread(self._ledger_fd, size, 0), with_calls=with_calls)

    def until_ready(
        self, at_sync: Callable[[str, int, int], None], at_listener: Callable[[int, int], None]
    ) -> None:
        """Listen until it is ready. ``at_sync(tag, pid, descriptor)`` runs while init
        waits (no descriptor: -1), ``at_listener(descriptor, pid)`` when a seccomp filter's listener has come.

        Raises ``StepError`` when a step failed or init was killed."""
        control: Any = self._control
        while True:
            message, words, _, _ = control.recvmsg(_CONTROL_SIZE, _ROOM_FOR_FD, _MSG_CMSG_CLOEXEC)
            kind = message[:1]
            if kind == b"r":
                self.pid = standing(self._ledger_fd)[1]
                self._reap_outer()
                return
            if kind not in (b"n", b"s"):
                raise self._failure()
            self.pid = standing(self._ledger_fd)[1]
            with Closing() as closing:
                given = closing.add(int.from_bytes(words[0][2], "little")) if words else -1
                if kind == b"n":
                    at_listener(given, self.pid)
                    continue
                at_sync(message[1:].decode(), self.pid, given)
            control.send(b"g")

    def until_executed(self) -> None:
        """Listen until the workload runs (the stream ends with exec)."""
        control: Any = self._control
        if control.recv(_CONTROL_SIZE)[:1] == b"e":
            raise self._failure()

    def _reap_outer(self) -> None:
        parent().reap(self.outer)
        self.outer = 0

    def _failure(self) -> RuntimeFailure:
        ledger = self.ledger(with_calls=True)
        self.pid = self.pid or ledger.pid
        if ledger.state != wire.FAILED:
            from rung.runtime.plan.text import sentence

            at = self._plan.steps[min(ledger.current, len(self._plan.steps) - 1)]
            return InitKilled(sentence(at), "", "rung-init was killed at this step", 0)
        return failure(self._plan.steps, ledger)

    def destroy(self) -> None:
        """Kill what there is and reap it: both are this process's children."""
        if self.outer > 0:
            kill_child(self.outer)  # first: until it is gone it may give birth
        self.pid = self.pid or standing(self._ledger_fd)[1]
        if self.pid > 0:
            kill_child(self.pid)
        self.close()

    def close(self) -> None:
        """Let go of the conversation and the ledger."""
        control: Any = self._control
        control.close()
        if self._ledger_fd >= 0:
            posix.close(self._ledger_fd)
            self._ledger_fd = -1


if TYPE_CHECKING:
    from typing import Any


def kill_child(pid: int) -> None:
    """Kill and reap; one that is gone or another's is left."""
    try:
        posix.kill(pid, 9)
        parent().wait(pid)
    except (ProcessLookupError, ChildProcessError):
        return


def failure(made: Sequence[steps.Step], ledger: wire.Ledger) -> StepError:
    """The failed step as one sentence: what, on which object, by which call, why."""
    from rung.runtime.plan.text import sentence

    step = made[min(ledger.error_step, len(made) - 1)]
    errno = ledger.error_errno
    if isinstance(step, (steps.FindExecutable, steps.Exec)):
        return (ExecError if isinstance(step, steps.Exec) else StepError)("", ledger.error, "", errno)
    if isinstance(step, steps.RunHook):
        before = made[: ledger.error_step]
        count = sum(isinstance(other, steps.RunHook) and other.stage == step.stage for other in before)
        reason = posix.strerror(errno) if errno else ""
        return StepError(f"error running {step.stage} hook #{count}:", ledger.error, reason, errno)
    reason = f"{posix.strerror(errno)}" if errno else ""
    if ledger.error_call >= 0 and errno:
        from rung.runtime.calls import call_name, errno_name

        number = ledger.calls[ledger.error_call].number
        reason = f"{call_name(number)}: {errno_name(errno)} ({reason})"
    kind = CgroupNotEntered if _enters_cgroup(step) else StepError
    return kind(sentence(step), f"[{ledger.error}]" if ledger.error else "", reason, errno)


def _enters_cgroup(step: steps.Step) -> bool:
    """On v2 the cgroup's directory is opened, and the inner process born into it; or the outer one enters."""
    if isinstance(step, steps.JoinCgroup):
        return step.file.endswith("/cgroup.procs")
    if isinstance(step, steps.OpenFile):
        return step.slot == steps.SLOT_CGROUP
    return isinstance(step, steps.Clone) and step.cgroup_slot == steps.SLOT_CGROUP


def spawn(
    plan: Plan,
    plan_path: str,
    stdio: Stdio,
    slots: dict[int, int],
    preserve_fds: int = 0,
    passed_on: Sequence[int] = (),
) -> Init:
    """Start rung-init on ``plan``, written to ``plan_path`` (kept there for readers; "": memory).

    ``passed_on``: descriptors that what the plan executes gets as 3, 4, ..."""
    from _socket import AF_UNIX, SOCK_SEQPACKET, socket, socketpair

    with Closing() as closing:
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        first = 3 + preserve_fds + len(passed_on)
        control = closing.add(_above(theirs.fileno(), first))
        theirs.close()
        inherited = {slot: closing.add(_above(fd, first)) for slot, fd in slots.items()}
        body = wire.encode(plan.steps, inherited, control, first)
        plan_fd = _write_plan(plan_path, body)
        passed = closing.add(_above(plan_fd, first))
        open_there = (*stdio.values(), *passed_on)
        fds = [(closing.add(_above(fd, first)), target) for target, fd in enumerate(open_there)]
        fds += [(fd, fd) for fd in (control, passed, *inherited.values())]
        outer = parent().spawn(sealed_init(), ["rung-init", str(passed)], {}, fds)
    assert isinstance(ours, socket)
    return Init(outer, ours, plan_fd, plan)


def _above(fd: int, first: int) -> int:
    """A duplicate that no stdio or preserved descriptor can collide with."""
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    return fcntl(fd, F_DUPFD_CLOEXEC, first + 16)


def _write_plan(path: str, body: wire.PlanFile) -> int:
    flags = posix.O_RDWR | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC
    fd = posix.open(path, flags, 0o600) if path else posix.memfd_create("plan", _MFD_CLOEXEC)
    try:
        write_whole(fd, body.content, path)
        posix.ftruncate(fd, body.size)
    except OSError:
        posix.close(fd)
        raise
    return fd
