"""``exec``: another process in a container, as runc's command line takes it; and terminals."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from .bed import Bed, Pair, own_cgroup, until
from .console import ConsoleSocket, talk, window_size

EXECS: dict[str, tuple[list[str], list[str]]] = {
    "exit 0": ([], ["true"]),
    "exit 3": ([], ["sh", "-c", "exit 3"]),
    "killed": ([], ["sh", "-c", "kill -KILL $$"]),
    "no such program": ([], ["/no/such"]),
    "not in the path": ([], ["no-such-program"]),
    "a directory": ([], ["/bin"]),
    "not executable": ([], ["/etc/passwd"]),
    "environment": (["--env", "A=1", "--env", "B=two words"], ["sh", "-c", "env | sort"]),
    "working directory": (["--cwd", "/etc"], ["pwd"]),
    "working directory that is not there": (["--cwd", "/no/such"], ["pwd"]),
    "user": (["--user", "1000"], ["id"]),
    "user and group": (["-u", "1000:29"], ["id"]),
    "groups": (["--user", "5:6", "-g", "7", "-g", "8"], ["id"]),
    "capability": (["--cap", "CAP_CHOWN", "--cap", "CAP_KILL"], ["grep", "^Cap", "/proc/self/status"]),
    "capability for a user": (
        ["--user", "9", "--cap", "CAP_CHOWN"],
        ["grep", "^Cap", "/proc/self/status"],
    ),
    "no new privileges": (["--no-new-privs"], ["grep", "NoNew", "/proc/self/status"]),
    "status": ([], ["grep", "-E", "^(Cap|NoNew|Seccomp:|Groups|Sig[BIC])", "/proc/self/status"]),
    "limits": ([], ["cat", "/proc/self/limits"]),
    "cgroup": ([], ["cat", "/proc/self/cgroup"]),
    "mounts": ([], ["sh", "-c", "cut -d' ' -f5- /proc/self/mountinfo | wc -l"]),
    "out-of-memory score": ([], ["cat", "/proc/self/oom_score_adj"]),
    "processes": ([], ["sh", "-c", "ps -o comm"]),
    "open files": ([], ["sh", "-c", "ls /proc/$$/fd"]),
    "session": ([], ["sh", "-c", "awk '{print $4, ($1 == $5), ($1 == $6), $7}' /proc/$$/stat"]),
    "no arguments": ([], []),
}


@pytest.mark.parametrize("name", EXECS)
def test_exec(pair: Pair, name: str) -> None:
    """Exit code and output; the words of a refusal are the runtime's own."""
    options, command = EXECS[name]

    def scenario(bed: Bed) -> tuple[int, str]:
        container = bed.detached()
        outcome = bed.call("exec", *options, container, *command)
        return outcome.code, own_cgroup(outcome.out)

    pair.agree(scenario)


def test_exec_streams(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[str, str]:
        name = bed.detached()
        outcome = bed.call("exec", name, "sh", "-c", "cat; echo err >&2", input=b"piped\n").ok()
        return outcome.out, outcome.err

    assert pair.agree(scenario) == ("piped\n", "err\n")


def test_exec_of_a_process_file(pair: Pair) -> None:
    """``--process FILE`` (containerd and Docker use nothing else)."""

    def scenario(bed: Bed) -> tuple[int, str]:
        name = bed.detached()
        process = {
            "args": [
                "sh",
                "-c",
                "id; pwd; echo $A; umask; ulimit -n; grep -E '^(Cap|NoNew)' /proc/self/status; exit 9",
            ],
            "env": ["A=given", "PATH=/bin"],
            "cwd": "/tmp",
            "user": {"uid": 5, "gid": 6, "additionalGids": [29]},
            "capabilities": {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"], "effective": []},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}],
            "noNewPrivileges": True,
        }
        file = bed.home / "process.json"
        file.write_text(json.dumps(process))
        outcome = bed.call("exec", "--process", file, name)
        return outcome.code, outcome.out

    assert pair.agree(scenario)[0] == 9


def test_exec_in_the_background(pair: Pair) -> None:
    """``--detach`` with ``--pid-file``: the process goes on, in the container's namespaces."""

    def scenario(bed: Bed) -> tuple[str, bool, str]:
        name, pid_file = bed.detached(), bed.home / "pid"
        outcome = bed.call(
            "exec", "--detach", "--pid-file", pid_file, name, "sh", "-c", "echo here; sleep 1000"
        ).ok()
        until(lambda: outcome.out == "here\n", "the process has started")
        process, first = Path("/proc", pid_file.read_text()), Path("/proc", str(bed.pid(name)))
        same = all(
            (process / "ns" / kind).readlink() == (first / "ns" / kind).readlink() for kind in ("mnt", "pid")
        )
        return outcome.out, same, bed.status(name)

    assert pair.agree(scenario) == ("here\n", True, "running")


def test_exec_with_a_preserved_descriptor(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        name, handed, program = bed.detached(), bed.home / "handed", bed.program
        bed.program = bed.home / "with-descriptor"
        bed.program.write_text(f'#!/bin/sh\nexec 3>{handed} 4>/dev/null\nexec {program} "$@"\n')
        bed.program.chmod(0o755)
        bed.call("exec", "--preserve-fds", "1", name, "sh", "-c", "echo given >&3").ok()
        return handed.read_text()

    assert pair.agree(scenario) == "given\n"


def test_exec_ends_with_the_container(pair: Pair) -> None:
    def scenario(bed: Bed) -> bool:
        name, pid_file = bed.detached(), bed.home / "pid"
        bed.call("exec", "--detach", "--pid-file", pid_file, name, "sleep", "1000").ok()
        process = Path("/proc", pid_file.read_text())
        bed.call("delete", "--force", name).ok()
        until(
            lambda: not process.exists() or ") Z " in (process / "stat").read_text(), "the process has ended"
        )
        return True

    assert pair.agree(scenario)


def test_exec_in_a_container_with_a_user_namespace(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        bed.open_to_all()
        edits: dict[str, Any] = {
            "linux.namespaces": [{"type": t} for t in ("mount", "pid", "uts", "ipc", "network", "user")],
            "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
            "linux.gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}],
        }
        name = bed.detached(edits=edits)
        return bed.call("exec", name, "sh", "-c", "id; cat /proc/self/uid_map; hostname").ok().out

    assert "4294967295" not in pair.agree(scenario)


def test_exec_on_a_terminal(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[int, bool, bool]:
        name = bed.detached()
        dialogue = [(b"# ", b"test -t 0 && echo on $(tty); stty size\n"), (b"# ", b"exit 6\n")]
        code, said = bed.converse("exec", "--tty", name, "sh", dialogue=dialogue)
        return code, "on /dev/pts/" in said, "0 0" in said

    pair.agree(scenario)


def test_a_terminal_over_a_console_socket(pair: Pair) -> None:
    """``create`` sends the terminal's master; the container's program is on the other side of it."""

    def scenario(bed: Bed) -> tuple[int, str, tuple[int, int], bool]:
        console = ConsoleSocket(bed.home / "console")
        try:
            edits = {
                "process.args": [
                    "sh",
                    "-c",
                    "tty; stty -a | head -2; ls -ln /dev/console | cut -c1-20; read x; exit 3",
                ],
                "process.consoleSize": {"height": 33, "width": 99},
            }
            name = bed.created_on_terminal(edits, console.path)
            master, _ = console.receive()
        finally:
            console.close()
        size = window_size(master)
        bed.call("start", name).ok()
        said = talk(master, [(b"crw", b"x\n")], time.monotonic() + 60)
        os.close(master)
        bed.wait_for(name, "stopped")
        return 0, said.decode(), size, said.startswith(b"/dev/")

    facts = pair.agree(scenario)
    assert facts[2] == (33, 99)
    assert facts[3]


def test_exec_over_a_console_socket(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        name = bed.detached()
        console = ConsoleSocket(bed.home / "console")
        try:
            words = ["--tty", "--detach", "--console-socket", str(console.path)]
            bed.call("exec", *words, name, "sh", "-c", "tty; echo typed: $(head -n1)").ok()
            master, _ = console.receive()
        finally:
            console.close()
        said = talk(master, [(b"/dev/pts", b"word\n")], time.monotonic() + 60)
        os.close(master)
        return said.decode()

    assert "typed: word" in pair.agree(scenario)


@pytest.mark.parametrize(
    "options", [["--console-socket", "/no/such"], ["--detach"]], ids=["socket that is not there", "no socket"]
)
def test_a_terminal_without_its_other_side(pair: Pair, options: list[str]) -> None:
    pair.agree(lambda bed: bed.call("run", *options, "--bundle", bed.bundle(), bed.new_id()).code)


def test_a_console_socket_without_a_terminal(pair: Pair) -> None:
    def scenario(bed: Bed) -> int:
        console = ConsoleSocket(bed.home / "console")
        try:
            return bed.run("true", options=["--console-socket", console.path]).code
        finally:
            console.close()

    pair.agree(scenario)


def test_an_interrupt_typed_on_the_terminal(pair: Pair) -> None:
    def scenario(bed: Bed) -> int:
        script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"
        bundle = bed.bundle("sh", "-c", script, edits={"process.terminal": True})
        return bed.converse("run", "--bundle", bundle, bed.new_id(), dialogue=[(b"ready", b"\x03")])[0]

    assert pair.agree(scenario) == 42
