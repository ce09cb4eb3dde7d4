"""Birth, waiting and death: nothing outlives a runtime that has not been told `r`."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from kernel.init import driver, plans
from rung.runtime.plan import steps as s
from rung.runtime.plan import wire


def state_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def small(rootfs, *middle: s.Step) -> list[s.Step]:
    return [plans.clone(), *plans.root(rootfs), *middle, s.PivotRoot(0, 0), *plans.execute("/bin/true")]


def test_the_pid_is_known_at_the_first_message(rung_init, rootfs):
    running = driver.start(str(rung_init), small(rootfs, s.Sync("here")))
    assert running.receive() == b"shere"
    pid = running.ledger.pid
    assert state_of(pid)["PPid"] == str(os.getpid()), "a child of the runtime, not of the outer process"
    assert state_of(pid)["Name"] == "rung-init"
    assert running.ledger.state == wire.INNER
    running.control.send(b"g")
    assert running.receive() == b"r"
    assert running.receive() == b""
    assert running.reap() == 0


@pytest.mark.parametrize("answer", [b"x", b""])
def test_a_runtime_that_gives_up(rung_init, rootfs, answer):
    running = driver.start(str(rung_init), small(rootfs, s.Sync("here")))
    running.receive()
    running.control.send(answer) if answer else running.control.close()
    assert running.reap() == 1
    assert running.ledger.state == wire.FAILED
    assert running.ledger.error == "the runtime gave up at here"


def runtime_that_dies(binary: str, steps: list[s.Step], until: bytes, gate: bool) -> int:
    """A fork starts the container and is killed after a message; gives the inner's pid."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        running = driver.start(binary, steps, gate=gate)
        while running.receive() != until:
            running.control.send(b"g")
        theirs.send(str(running.ledger.pid).encode())
        signal.pause()
    theirs.close()
    pid = int(ours.recv(32))
    handle = os.pidfd_open(pid)
    ours.close()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return handle


def ended(handle: int, timeout_s: float) -> bool:
    import select

    return bool(select.select([handle], [], [], timeout_s)[0])


def test_dies_with_the_runtime_at_a_sync(rung_init, rootfs):
    handle = runtime_that_dies(str(rung_init), small(rootfs, s.Sync("here")), b"shere", False)
    assert ended(handle, driver.DEADLINE_S)
    os.close(handle)


def test_dies_with_the_runtime_in_a_hook(rung_init, rootfs):
    hook = s.RunHook("createContainer", "/bin/sleep", ("sleep", "1000"), (), 0, b"", b"", 0)
    handle = runtime_that_dies(str(rung_init), small(rootfs, s.Sync("here"), hook), b"shere", False)
    assert ended(handle, driver.DEADLINE_S)
    os.close(handle)


def test_outlives_the_runtime_once_ready(rung_init, rootfs):
    handle = runtime_that_dies(str(rung_init), plans.default(rootfs, "/bin/true", gate=True), b"r", True)
    # Its gate's writing end is gone: poll sees a hang-up, read an end, and it stops by itself.
    # What matters is that it was not killed: its own exit is what ends it.
    assert ended(handle, driver.DEADLINE_S)
    os.close(handle)


def test_outlives_the_runtime_with_its_gate_open(rung_init, rootfs, tmp_path):
    fifo = tmp_path / "start"
    os.mkfifo(fifo)
    gate = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    mark = rootfs / "tmp/started"
    plan = [plans.clone(), *plans.root(rootfs), s.PivotRoot(0, 0), *plans.execute("touch", "/tmp/started")]
    plan[-2] = s.WaitStart()
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        running = driver.start(str(rung_init), plan, slots={s.SLOT_START_FIFO: gate})
        while running.receive() != b"r":
            pass
        theirs.send(str(running.ledger.pid).encode())
        signal.pause()
    handle = os.pidfd_open(int(ours.recv(32)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not ended(handle, 0.05)
    assert not mark.exists()
    os.write(gate, b"\0")
    assert ended(handle, driver.DEADLINE_S)
    assert mark.exists()
    for fd in (gate, handle):
        os.close(fd)
    ours.close()
    theirs.close()


def test_waits_in_less_than_a_mebibyte(rung_init, rootfs, record_property, capsys):
    running = driver.start(str(rung_init), plans.default(rootfs, "/bin/true", gate=True), gate=True)
    while running.receive() != b"r":
        running.control.send(b"g")
    assert running.ledger.state == wire.READY
    resident_kib = int(state_of(running.ledger.pid)["VmRSS"].split()[0])
    record_property("resident_kib", resident_kib)
    with capsys.disabled():
        print(f"\nrung-init waiting: {resident_kib} KiB resident")
    assert resident_kib <= 1024
    running.release()
    assert running.reap() == 0


def test_nobody_else_may_look_into_it(rung_init, rootfs):
    """Not dumpable (CVE-2016-9962): its /proc files belong to root whoever it runs as."""
    plan = [plans.clone(), *plans.root(rootfs), s.PivotRoot(0, 0), *plans.user(1000, 1000), s.Sync("here")]
    running = driver.start(str(rung_init), plan)
    running.receive()
    pid = running.ledger.pid
    assert state_of(pid)["Uid"].split()[0] == "1000"
    assert os.stat(f"/proc/{pid}/fd").st_uid == 0
    running.control.close()
    assert running.reap() == 1


def test_what_the_caller_leaked_is_closed_at_once(rung_init, rootfs, tmp_path):
    """Between and above init's own descriptors: a waiting container holds nothing of the caller's."""
    leaked = [os.open("/dev/null", os.O_RDONLY), *(driver.above(0) for _ in range(4))]
    low, high = leaked[1], os.dup2(leaked[0], 900)
    for fd in (*leaked, high):
        os.set_inheritable(fd, True)
    plan = plans.default(rootfs, "/bin/true", gate=True)
    plan[1:1] = [s.KeepFds(3)]
    running = driver.start(str(rung_init), plan, gate=True)
    for fd in (*leaked, high):
        os.close(fd)
    while running.receive() != b"r":
        running.control.send(b"g")
    held = {
        int(name): os.readlink(f"/proc/{running.ledger.pid}/fd/{name}")
        for name in os.listdir(f"/proc/{running.ledger.pid}/fd")
    }
    assert not {low, high} & held.keys()
    assert len([fd for fd in held if fd >= 100]) == 2, f"the gate and the control socket: {held}"
    running.release()
    assert running.reap() == 0


def test_preserved_descriptors(run, rootfs, tmp_path):
    (tmp_path / "given").write_text("given")
    fd = os.open(tmp_path / "given", os.O_RDONLY)
    try:
        plan = small(rootfs)
        plan[-4:] = [
            s.FindExecutable("sh", plans.PATH),
            s.KeepFds(4),
            s.Ready(),
            s.Exec(("sh", "-c", "cat <&3"), ()),
        ]
        assert run(plan, preserved=(fd,)).output == "given"
    finally:
        os.close(fd)


@pytest.mark.parametrize("at", range(0, 40, 4))
def test_killed_anywhere(rung_init, rootfs, at):
    """SIGKILL at any step: the stream ends, the ledger says where it was."""
    plan = plans.default(rootfs, "/bin/true")
    at = min(at + 1, len(plan) - 5)
    plan.insert(at, s.Sync("stop"))
    running = driver.start(str(rung_init), plan)
    while running.receive() != b"sstop":
        running.control.send(b"g")
    os.kill(running.ledger.pid, signal.SIGKILL)
    assert running.receive() == b""
    assert running.reap() == -signal.SIGKILL
    assert (running.ledger.state, running.ledger.current) == (wire.INNER, at)
