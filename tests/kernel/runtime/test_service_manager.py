"""Under a service manager: its descriptors and its readiness socket reach the container (sd_listen_fds(3), sd_notify(3))."""

from __future__ import annotations

import os
import socket
import subprocess
from tempfile import TemporaryDirectory

import pytest

from kernel.runtime.bed import DEADLINE_S, Bed, until

INSIDE = "echo $NOTIFY_SOCKET; ls /run/notify; touch /run/notify/new 2>/dev/null && echo writable; echo end; exec sleep 1000"


@pytest.fixture
def manager():
    """A service manager's socket. Its path must fit into 107 bytes, so it has a folder of its own."""
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(f"{folder}/manager")
        ours.settimeout(DEADLINE_S)
        yield ours


def say(bed: Bed, container_id: str, words: bytes) -> None:
    """What a process in the container would say to its NOTIFY_SOCKET."""
    place = bed.state / container_id / "notify/notify.sock"
    until(place.exists, str(place))
    folder = os.open(place.parent, os.O_PATH)  # the whole path may be too long for a socket's address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.connect(f"/proc/self/fd/{folder}/{place.name}")
        theirs.send(words)
    os.close(folder)


def told(manager: socket.socket) -> list[bytes]:
    """What the manager hears, up to the barrier, which it lets go."""
    heard = []
    while not heard or heard[-1] != b"BARRIER=1":
        words, fds, _, _ = socket.recv_fds(manager, 4096, 1)
        heard.append(words)
    os.close(fds[0])
    return heard


def begin(bed: Bed, manager: socket.socket, *words: object) -> subprocess.Popen[bytes]:
    """The program with the manager's variable, its output in a file of the bed's."""
    env = {**os.environ, "NOTIFY_SOCKET": manager.getsockname()}
    with open(bed.folder / "out", "ab") as out:
        return subprocess.Popen(bed.command(*words), env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def test_a_detached_container_is_waited_for_until_it_is_ready(bed, manager):
    """Words other than READY=1 stay inside; the barrier is waited for."""
    name = bed.new_id()
    running = begin(bed, manager, "run", "-d", "-b", bed.bundle(["sh", "-c", INSIDE]), name)
    say(bed, name, b"STATUS=on its way\nMAINPID=1")
    say(bed, name, b"STATUS=there\nREADY=1")
    assert running.poll() is None
    pid = bed.runtime.get(name).pid
    assert told(manager) == [b"READY=1\n", b"MAINPID=%d\n" % pid, b"BARRIER=1"]
    assert running.wait(DEADLINE_S) == 0
    seen = ["/run/notify/notify.sock", "notify.sock", "end"]
    assert until(lambda: (words := (bed.folder / "out").read_text().split())[-1:] == ["end"] and words, "its output") == seen
    bed.runtime.get(name).delete(force=True)


def test_create_and_start_with_a_container_that_ends_unready(bed, manager):
    name = bed.new_id()
    assert begin(bed, manager, "create", "-b", bed.bundle(["sh", "-c", "exit 3"]), name).wait(DEADLINE_S) == 0
    assert begin(bed, manager, "start", name).wait(DEADLINE_S) == 0
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)
    assert bed.call("delete", name).status == 0


def test_in_the_foreground_the_runtime_is_the_main_process(bed, manager):
    name = bed.new_id()
    running = begin(bed, manager, "run", "-b", bed.bundle(["sleep", "1000"]), name)
    say(bed, name, b"READY=1\n")
    assert told(manager)[:2] == [b"READY=1\n", b"MAINPID=%d\n" % running.pid]
    assert bed.call("kill", name, "KILL").status == 0
    assert running.wait(DEADLINE_S) == 128 + 9


def test_a_manager_that_is_gone_is_a_warning(bed, manager):
    name = bed.new_id()
    running = begin(bed, manager, "run", "-d", "-b", bed.bundle(["sleep", "1000"]), name)
    os.unlink(manager.getsockname())
    say(bed, name, b"READY=1")
    assert running.wait(DEADLINE_S) == 0
    assert "warning: tell NOTIFY_SOCKET" in (bed.folder / "out").read_text()
    bed.runtime.get(name).delete(force=True)


@pytest.mark.parametrize("named", [True, False], ids=["with LISTEN_PID", "without"])
def test_the_managers_descriptors_are_the_containers(bed, named):
    """From 3 on, LISTEN_PID is 1 inside; what --preserve-fds adds comes after them."""
    bundle = bed.bundle(["sh", "-c", "cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID; ls /proc/self/fd"])
    made = [os.memfd_create(f"given{n}") for n in range(2)]
    for n, fd in enumerate(made):
        os.pwrite(fd, f"{n} ".encode(), 0)
    words = bed.command("run", "--preserve-fds", 1, "-b", bundle, bed.new_id())
    script = ("LISTEN_PID=$$ " if named else "") + 'LISTEN_FDS=1 exec "$@"'
    out = os.memfd_create("out")
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), *((os.POSIX_SPAWN_DUP2, fd, n + 100) for n, fd in enumerate(made))]
    actions += [(os.POSIX_SPAWN_DUP2, n + 100, n + 3) for n in range(2)]
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", script, "sh", *words], os.environ, file_actions=actions)
    assert os.waitpid(pid, 0)[1] == 0
    assert os.pread(out, 4096, 0).decode().split() == ["0", "1", "1", "1", "0", "1", "2", "3", "4", "5"], "5 is ls's own"
    for fd in (*made, out):
        os.close(fd)
