"""Driving rung-init by hand-made plans, as the runtime does it: spawn, listen, reap.

``start`` gives a ``Running`` whose ``messages`` come as they are read; ``run`` goes
through to the end, answering every Sync with a go-ahead.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rung.runtime.plan.steps import SLOT_START_FIFO, Step
from rung.runtime.plan.wire import Ledger, encode, read_ledger

DEADLINE_S = 60.0


@dataclass
class Running:
    """A started rung-init: its plan file, the control socket, the outer's pid."""

    outer: int
    file: mmap.mmap
    control: socket.socket
    gate: int = -1
    messages: list[bytes] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return read_ledger(self.file, with_calls=True)

    def receive(self) -> bytes:
        """The next message, empty at the end of the stream."""
        message = self.control.recv(256)
        if message:
            self.messages.append(message)
        return message

    def release(self) -> None:
        """What ``start`` does: a byte through the gate."""
        os.write(self.gate, b"\0")

    def reap(self) -> int:
        """Waits for both processes; the exit status of the one that mattered, signals negative."""
        status = wait_exit(self.outer)
        inner = self.ledger.pid
        if inner > 0:
            status = wait_exit(inner)
        self.control.close()
        if self.gate >= 0:
            os.close(self.gate)
            self.gate = -1
        return status


@dataclass
class Outcome:
    status: int
    ledger: Ledger
    messages: list[bytes]
    output: str


def wait_exit(pid: int) -> int:
    """Reaps a child, with a deadline: a hanging init is a failed test, not a hanging suite."""
    handle = os.pidfd_open(pid)
    try:
        if not select.select([handle], [], [], DEADLINE_S)[0]:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            raise AssertionError(f"process {pid} did not end within {DEADLINE_S} s")
    finally:
        os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def above(fd: int) -> int:
    """An inheritable duplicate that collides with no stdio or preserved descriptor."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD, 100)


def plan_file(data: bytes) -> tuple[int, mmap.mmap]:
    fd = os.memfd_create("plan", 0)
    os.write(fd, data)
    return fd, mmap.mmap(fd, len(data))


def start(
    binary: str,
    steps: Sequence[Step],
    *,
    slots: dict[int, int] | None = None,
    stdio: Sequence[int] = (),
    gate: bool = False,
    prefix: Sequence[str] = (),
    change: Callable[[bytes], bytes] = lambda data: data,
) -> Running:
    """posix_spawns rung-init with this plan; ``stdio`` replaces 0, 1, 2 in order.

    ``prefix``: a command that executes rung-init in its place (setpriv and kin); ``change``
    spoils the plan file's bytes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(DEADLINE_S)
    slots = dict(slots or {})
    write_end = -1
    if gate:
        slots[SLOT_START_FIFO], write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    control = above(theirs.fileno())
    passed = {number: above(fd) for number, fd in slots.items()}
    memory, mapped = plan_file(change(encode(steps, passed, control_fd=control).whole()))
    plan_fd = above(memory)
    try:
        moves = [(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in enumerate(stdio)]
        argv = [*prefix, binary, str(plan_fd)]
        outer = os.posix_spawn(argv[0], argv, {"PATH": "/usr/sbin:/usr/bin"}, file_actions=moves)
    finally:
        for fd in (memory, plan_fd, control, *passed.values()):
            os.close(fd)
        theirs.close()
        if gate:
            os.close(slots[SLOT_START_FIFO])
    return Running(outer, mapped, ours, write_end)


def run(binary: str, steps: Sequence[Step], preserved: Sequence[int] = (), **options: object) -> Outcome:
    """The whole life: go-aheads for every Sync, the gate opened when ready, output caught."""
    out = os.memfd_create("output")
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        running = start(binary, steps, stdio=(null, out, out, *preserved), **options)  # type: ignore[arg-type]
        while message := running.receive():
            if message[:1] == b"s":
                running.control.send(b"g")
            if message == b"r" and running.gate >= 0:
                running.release()
        status = running.reap()
        text = os.pread(out, 1 << 20, 0).decode()
        return Outcome(status, running.ledger, running.messages, text)
    finally:
        os.close(out)
        os.close(null)


def wait_until(condition: Callable[[], bool]) -> None:
    """Polls for what gives no event, with a deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)
