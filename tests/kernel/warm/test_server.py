"""The server: whom it serves, how many it is, how it ends; and that it gives nobody what he has not."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import native
import warmth
from rung.runtime.warm.server import Server
from rung.runtime.warm.start import socket_path


def within(seconds: float, holds) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def own(installation, tmp_path_factory):
    """An installation that a test may spoil."""
    from .conftest import Installation

    found = Installation(tmp_path_factory.mktemp("own"))
    yield found
    warmth.stop(found.home)


def test_the_first_command_leaves_one_and_the_next_is_served(own):
    assert own.servers() == []
    own.start_server()
    assert own.was_warm("state", "nobody")
    assert own.run("state", "nobody").stderr == own.cold("state", "nobody").stderr


def test_the_setting(own):
    for off in ("off", "0"):
        own.run("state", "nobody", env={**os.environ, "RUNG_WARM": off})
    assert own.servers() == []
    own.start_server()
    assert not own.was_warm("state", "nobody", env={**os.environ, "RUNG_WARM": "off"})


def test_its_own_surroundings_are_nobodys(installation):
    for pid in installation.servers():
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
        assert os.getsid(pid) != os.getsid(0)
    assert Path("/run/rung/warm").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("more", ["", "unshare -n", "unshare -m", "unshare -u", "unshare -pf"])
def test_only_a_caller_in_the_namespaces_of_process_1_leaves_one(own, more):
    """Else a namespace, with its mounts and devices, would outlive its owner by minutes."""
    command = f"{more} {own.launcher} --root {own.root} state nobody"
    # a process 1 of our own, and a /run; a server that is left ends with it
    script = f"mount -t tmpfs none /run; RUNG_WARM=on {command} 2>/dev/null; ls /run/rung/warm"
    run = subprocess.run(["unshare", "-pmf", "--mount-proc", "sh", "-c", script], capture_output=True, check=False)
    assert (b".lock" in run.stdout) == (not more)


CALLERS = {
    "without a capability": ["setpriv", "--bounding-set", "-sys_admin"],
    "that can gain no privileges": ["setpriv", "--no-new-privs"],
    "of another group": ["setpriv", "--regid", "12345", "--clear-groups"],
    "in another mount namespace": ["unshare", "-m"],
    "in another network namespace": ["unshare", "-n"],
    "in another pid namespace": ["unshare", "-pf"],
    "in another cgroup namespace": ["unshare", "-C"],
    "in another user namespace": ["unshare", "-r"],
    "limited in files' size": ["prlimit", "--fsize=1000000"],
    "limited in memory": ["prlimit", "--as=4000000000"],
}


@pytest.mark.parametrize("who", CALLERS)
def test_a_caller_is_not_served(installation, who):
    assert installation.was_warm("state", "nobody")
    trace = installation.place / "other"
    run = installation.run("state", "nobody", before=[*CALLERS[who], "strace", "-s", "4096", "-o", trace, "-e", "execve"])
    assert b"does not exist" in run.stderr
    assert "boot." in trace.read_text()


def test_a_caller_without_a_capability_gains_nothing(installation, make, nothing_left):
    words = ["create", "-b", make("true"), "warm-weak"]
    weak = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    warm, cold = installation.run(*words, before=weak), installation.cold(*words, before=weak)
    assert (warm.returncode, warm.stderr) == (cold.returncode, cold.stderr)
    assert warm.returncode == 1 and b"not permitted" in warm.stderr


def test_another_user_is_not_served(installation):
    for folder in (*reversed(installation.home.parents), installation.home):
        if (folder.stat().st_mode & 0o5) != 0o5:
            folder.chmod(folder.stat().st_mode | 0o5)
    words = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    run = subprocess.run(
        [*words, installation.launcher, "--root", "/no/such", "state", "nobody"], capture_output=True, check=False
    )
    assert b"does not exist" in run.stderr
    path = socket_path(str(installation.home), native.real_interpreter())
    code = f"import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect({path!r})"
    run = subprocess.run([*words, "/usr/bin/python3", "-c", code], capture_output=True, check=False)
    assert b"PermissionError" in run.stderr


@pytest.mark.parametrize("said", [b"", b"x", b"\0" * 4, b"\xff" * 64, b"\0" * 1000])
@pytest.mark.parametrize("descriptors", [0, 1, 5, 9])
def test_what_is_no_hello_leaves_it_well(installation, said, descriptors):
    path = socket_path(str(installation.home), native.real_interpreter())
    before = set(installation.servers())
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, open("/dev/null") as null:
        connection.connect(path)
        assert connection.recv(10) == b"a"
        socket.send_fds(connection, [said or b"\0"], [null.fileno()] * descriptors)
        connection.settimeout(10)
        connection.recv(10)
    assert installation.was_warm("state", "nobody")
    assert before <= set(installation.servers())


def test_commands_side_by_side(installation, make, nothing_left):
    bundle = make("sh", "-c", "read line")
    readers = []
    for number in range(4):  # each keeps a worker busy
        words = [installation.launcher, "--root", installation.root, "run", "-b", bundle, f"warm-many{number}"]
        readers.append(subprocess.Popen(words, stdin=subprocess.PIPE, env={**os.environ, "RUNG_WARM": "on"}))
    within(60, lambda: installation.run("list", "-q").stdout.count(b"warm-many") == 4)
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: installation.run("state", "nobody"), range(40)))
    assert {run.returncode for run in runs} == {1}
    assert installation.was_warm("state", "nobody")
    for reader in readers:
        reader.communicate(b"\n", timeout=60)
        assert reader.returncode == 1 - 1
    within(60, lambda: len(installation.servers()) <= 3)


def test_a_changed_source_is_not_served_from_memory(own):
    own.start_server()
    old = set(own.servers())
    source = own.home / "rung/runtime/errors.py"
    source.write_text(source.read_text() + "\n")
    state = own.home / "rung/runtime/state.py"
    state.write_text(state.read_text().replace('"does not exist"', '"is not anywhere"'))
    within(60, lambda: b"is not anywhere" in own.run("state", "nobody").stderr)
    within(60, lambda: not old & set(own.servers()))


def test_a_bug_is_shown_and_ends_the_worker_only(own):
    kill = own.home / "rung/runtime/cli/kill.py"
    kill.write_text(kill.read_text() + "\n\ndef run(call):\n    raise LookupError('spoilt')\n")
    own.start_server()
    warm, cold = own.run("kill", "nobody", "TERM"), own.cold("kill", "nobody", "TERM")
    assert own.was_warm("kill", "nobody", "TERM")
    for run in (warm, cold):
        assert run.returncode == 1
        assert b"a bug in rung-runtime: LookupError: spoilt" in run.stderr
        assert b"LookupError: spoilt" in run.stderr.splitlines()[-1]
    assert own.was_warm("list", "-q")


def test_memory_and_descriptors_do_not_grow(installation, make, nothing_left):
    bundle = make("true")

    def sizes() -> tuple[int, int]:
        """KiB and descriptors of all workers together."""
        pids = installation.servers()
        rss = [int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0]) for pid in pids]
        return sum(rss), sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)

    def settled() -> bool:
        """Whether a round of commands makes them no larger. (A worker's first command does; which worker is next
        is the kernel's choice.)"""
        memory, descriptors = sizes()
        for _ in range(30):
            assert installation.run("--log", bundle / "log", "run", "-b", bundle, "warm-grow").returncode == 0
            installation.run("state", "nobody")
        assert memory < 25 * 1024
        until = time.monotonic() + 2
        while sizes()[1] > descriptors and time.monotonic() < until:
            time.sleep(0.01)  # the last command's are closed after its answer
        return sizes()[0] - memory < 128 and sizes()[1] <= descriptors

    assert any(settled() for _ in range(10))


def test_one_that_was_killed_is_replaced(own):
    path = own.start_server()
    for pid in own.servers():
        os.kill(pid, signal.SIGKILL)
    assert path.exists()  # nobody took it away
    assert not own.was_warm("state", "nobody")
    within(60, lambda: own.was_warm("state", "nobody"))


def test_one_that_does_not_answer_is_none(own):
    own.start_server()
    pids = own.servers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert b"does not exist" in own.run("state", "nobody").stderr
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_without_work_it_ends_and_takes_its_socket_away(tmp_path):
    path = tmp_path / "socket"
    server = os.fork()
    if server == 0:
        try:
            Server(str(path), lambda: True, idle_s=0.2).run()
        finally:
            os._exit(0)
    assert os.waitpid(server, 0)[1] == 0
    assert not path.exists()


def test_limits_of_the_caller_that_do_not_matter(installation):
    assert installation.was_warm(
        "state", "nobody", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    )
    assert shutil.which("strace")
