"""Bundles that ``runc spec`` made run unchanged, and live through runc's commands alike."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from .bed import Bed, Pair, until
from .shape import shape


def test_an_unchanged_bundle_runs_on_a_terminal(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[int, bool]:
        code, said = bed.converse(
            "run",
            "--bundle",
            bed.bundle(),
            bed.new_id(),
            dialogue=[(b"# ", b"echo $((6 * 7)) on $(tty); exit 5\n")],
        )
        return code, "42 on /dev/" in said

    assert pair.agree(scenario) == (5, True)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("nothing-of-this-name", 127),
        ("/etc/passwd", 126),
        ("kill -KILL $$", None),
        ("sh -c 'kill -TERM $$'; exit $?", 143),
    ],
)
def test_exit_codes(pair: Pair, script: str, code: int | None) -> None:
    """A first process is shielded from its own signals, so the ``None`` case is only compared."""
    assert pair.agree(lambda bed: bed.run("sh", "-c", script).code) == (0 if code is None else code)


@pytest.mark.parametrize(
    "args", [["/no/such/program"], ["/bin"], ["/etc/passwd"], ["no-such-program"]], ids=lambda args: args[0]
)
def test_a_program_that_cannot_start(pair: Pair, args: list[str]) -> None:
    def scenario(bed: Bed) -> tuple[int, str, bool]:
        outcome = bed.run(*args)
        return outcome.code, outcome.out, args[0] in outcome.err

    assert pair.agree(scenario) == (1, "", True)


def test_a_script_without_an_interpreter(pair: Pair) -> None:
    def scenario(bed: Bed) -> bool:
        bundle = bed.bundle("/script")
        (bundle / "rootfs/script").write_text("#!/no/such/interpreter\n")
        (bundle / "rootfs/script").chmod(0o755)
        return bed.call("run", "--bundle", bundle, bed.new_id()).code != 0

    assert pair.agree(scenario)


def test_a_container_killed_from_outside(pair: Pair) -> None:
    """The foreground ``run`` gives 128 + the signal's number."""

    assert pair.agree(_killed) == 137


def _killed(bed: Bed) -> int:
    """Start a foreground run in a child of ours, kill its container, return its code."""
    name, bundle, codes = bed.new_id(), bed.bundle("sleep", "1000"), list[int]()
    thread = threading.Thread(target=lambda: codes.append(bed.call("run", "--bundle", bundle, name).code))
    thread.start()
    until(lambda: (bed.root / name).exists() and bed.call("state", name).code == 0, "the container is there")
    bed.wait_for(name, "running")
    bed.call("kill", name, "KILL").ok()
    thread.join(60)
    return codes[0]


def test_streams(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[str, str]:
        outcome = bed.run("sh", "-c", "cat; echo to err >&2", input=b"through\0the pipe\n").ok()
        return outcome.out, outcome.err

    assert pair.agree(scenario) == ("through\0the pipe\n", "to err\n")


def test_the_life_of_a_container(pair: Pair) -> None:
    """Each command in turn: exit code, status after it."""

    def scenario(bed: Bed) -> list[Any]:
        bundle, name = bed.bundle("sh", "-c", "echo started; exec sleep 1000"), bed.new_id()
        steps: list[Any] = []

        def step(*words: str | Path) -> None:
            outcome = bed.call(*words)
            state = bed.call("state", name)
            steps.append((words[0], outcome.code, state.json()["status"] if state.code == 0 else None))

        step("start", name)
        made = bed.call("create", "--bundle", bundle, name).ok()
        steps.append(made.out)
        step("create", "--bundle", bundle, name)
        step("exec", name, "true")
        step("start", name)
        until(lambda: made.out == "started\n", "the program has started")
        step("start", name)
        step("delete", name)
        step("pause", name)
        step("exec", name, "true")
        step("resume", name)
        step("resume", name)
        step("kill", name, "0")
        steps.append(bed.call("kill", name, "KILL").code)  # whether it has ended when its status is asked is chance
        bed.wait_for(name, "stopped")
        step("kill", name, "KILL")
        step("exec", name, "true")
        step("start", name)
        step("delete", name)
        step("delete", name)
        step("delete", "--force", name)
        step("kill", name)
        return steps

    steps = pair.agree(scenario)
    for step in (("start", 0, "running"), ("pause", 0, "paused"), ("delete", 0, None)):
        assert step in steps


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_delete_of_a_created_container(pair: Pair, force: list[str]) -> None:
    def scenario(bed: Bed) -> tuple[int, int]:
        name = bed.created()
        return bed.call("delete", *force, name).code, bed.call("state", name).code

    pair.agree(scenario)


def test_delete_by_force_of_a_running_container(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[int, int]:
        name = bed.detached()
        return bed.call("delete", "--force", name).code, bed.call("state", name).code

    assert pair.agree(scenario) == (0, 1)


def test_state(pair: Pair) -> None:
    def scenario(bed: Bed) -> dict[str, Any]:
        name = bed.created(edits={"annotations": {"org.example": "kept"}})
        facts = {}
        for status, command in (("created", "start"), ("running", "kill"), ("stopped", "delete")):
            if status == "stopped":
                bed.wait_for(name, status)
            state = bed.call("state", name).ok().json()
            assert (state["id"], state["status"]) == (name, status)
            assert (state["pid"] == 0) is (status == "stopped")
            assert state["bundle"] == str(bed.home / "bundle0")
            assert state["rootfs"] == state["bundle"] + "/rootfs"
            assert state["annotations"] == {"org.example": "kept"}
            facts[status] = shape(state)
            bed.call(command, name, *(["KILL"] if command == "kill" else [])).ok()
        return facts

    pair.agree(scenario)


def test_list(pair: Pair) -> None:
    def scenario(bed: Bed) -> Any:
        first, second = bed.created(), bed.detached()
        rows = bed.call("list", "-f", "json").ok().json()
        table = [line.split() for line in bed.call("list").ok().out.splitlines()]
        quiet = bed.call("list", "--quiet").ok().out.split()
        assert sorted(quiet) == sorted([first, second])
        assert bed.call("list", "--format", "other").code == 1
        return (
            sorted((row["id"], row["status"], row["owner"]) for row in rows),
            shape(rows),
            table[0],
            sorted((row[0], row[2], row[5]) for row in table[1:]),
        )

    pair.agree(scenario)


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "with space", "ünknown", "-x", "a:b"])
def test_an_illegal_id(pair: Pair, name: str) -> None:
    def scenario(bed: Bed) -> tuple[bool, bool]:
        outcome = bed.call("run", "--bundle", bed.bundle("true"), name)
        return outcome.code != 0, bool(outcome.err)

    assert pair.agree(scenario) == (True, True)


@pytest.mark.parametrize("suffix", ["+plus", "_under", ".dot", "-dash"])
def test_a_legal_id(pair: Pair, suffix: str) -> None:
    def scenario(bed: Bed) -> int:
        bed.used.append(bed.new_id() + suffix)
        return bed.call("run", "--bundle", bed.bundle("true"), bed.used[-1]).code

    assert pair.agree(scenario) == 0


@pytest.mark.parametrize(
    "words", [[], ["--no-such-option"], ["no-such-command"], ["state"], ["state", "a", "b"]]
)
def test_wrong_usage(pair: Pair, words: list[str]) -> None:
    pair.agree(lambda bed: bed.call(*words).code == 0)


@pytest.mark.parametrize(
    "edits",
    [
        {"process": None},
        {"root": None},
        {"root.path": "nowhere"},
        {"process.args": None},
        {"process.args": []},
        {"process.cwd": "relative"},
        {"process.cwd": None},
        {"linux.namespaces": [{"type": "unknown"}]},
        {"linux.namespaces": [{"type": "pid"}, {"type": "pid"}]},
        {"linux.namespaces": [{"type": "network", "path": "/no/such/namespace"}]},
        {"mounts": [{"destination": "/x", "type": "nosuchfs", "source": "x"}]},
        {"linux.sysctl": {"vm.swappiness": "1"}},
    ],
    ids=json.dumps,
)
def test_a_bundle_that_is_refused(pair: Pair, edits: dict[str, Any]) -> None:
    """The same verdict; what is refused says why and leaves nothing."""

    def scenario(bed: Bed) -> tuple[int, bool]:
        outcome = bed.run("true", edits=edits)
        return outcome.code, bool(outcome.err)

    pair.agree(scenario)


def test_a_bundle_that_is_not_there(pair: Pair) -> None:
    def scenario(bed: Bed) -> list[int]:
        empty = bed.home / "empty"
        empty.mkdir()
        (bed.home / "broken").mkdir()
        (bed.home / "broken/config.json").write_text('{"ociVersion": ')
        places = [empty, bed.home / "nowhere", bed.home / "broken"]
        return [bed.call("run", "--bundle", place, bed.new_id()).code for place in places]

    assert pair.agree(scenario) == [1, 1, 1]


def test_the_bundle_of_the_working_directory(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        return bed.call("run", bed.new_id(), cwd=bed.bundle("echo", "here")).ok().out

    assert pair.agree(scenario) == "here\n"


def test_pid_file(pair: Pair) -> None:
    def scenario(bed: Bed) -> bool:
        pid_file = bed.home / "pid"
        name = bed.created(options=["--pid-file", pid_file])
        return pid_file.read_text() == str(bed.pid(name))

    assert pair.agree(scenario)


def test_preserved_descriptors(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        bundle = bed.bundle("sh", "-c", "echo given >&3; echo too >&4; ls /proc/self/fd | wc -l")
        handed, kept = bed.home / "handed", bed.home / "kept"
        program = bed.program
        bed.program = bed.home / "with-descriptors"
        bed.program.write_text(f'#!/bin/sh\nexec 3>{handed} 4>{kept} 5>/dev/null\nexec {program} "$@"\n')
        bed.program.chmod(0o755)
        out = bed.call("run", "--preserve-fds", "2", "--bundle", bundle, bed.new_id()).ok().out
        return out + handed.read_text() + kept.read_text()

    assert pair.agree(scenario).endswith("given\ntoo\n")


def test_no_descriptor_leaks(pair: Pair) -> None:
    def scenario(bed: Bed) -> list[str]:
        with (bed.home / "secret").open("w") as secret:
            os.set_inheritable(secret.fileno(), True)
            listed = bed.run("sh", "-c", "ls -l /proc/1/fd", pass_fds=[secret.fileno()]).ok().out
        return [
            line.split()[8] for line in listed.splitlines()[1:] if "secret" not in line and " -> " in line
        ]

    assert pair.agree(scenario) == ["0", "1", "2"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_of_a_failure(pair: Pair, log_format: str) -> None:
    """containerd and Docker read their error messages from the JSON log."""

    def scenario(bed: Bed) -> Any:
        log = bed.home / "log"
        bundle = bed.bundle("/no/such")
        outcome = bed.call("--log", log, "--log-format", log_format, "run", "--bundle", bundle, bed.new_id())
        last = log.read_text().splitlines()[-1]
        if log_format == "json":
            line = json.loads(last)
            return outcome.code, sorted(line), line["level"], "/no/such" in line["msg"], bool(outcome.err)
        return outcome.code, "level=error" in last, "/no/such" in last, bool(outcome.err)

    pair.agree(scenario)


def test_debug_does_not_change_the_outcome(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[int, str, bool]:
        log = bed.home / "log"
        outcome = bed.call(
            "--debug", "--log", log, "run", "--bundle", bed.bundle("echo", "said"), bed.new_id()
        )
        return outcome.code, outcome.out, log.stat().st_size > 0

    assert pair.agree(scenario) == (0, "said\n", True)


def test_roots_are_apart(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[int, int]:
        name = bed.created()
        here = bed.call("state", name).code
        bed.root = bed.home / "other"
        there = bed.call("state", name).code
        bed.root = bed.home / "state"
        return here, there

    assert pair.agree(scenario) == (0, 1)


HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_hooks(pair: Pair) -> None:
    """Order, the state each one reads, and its arguments and environment.

    ``startContainer`` runs beside ``poststart``: runc's ``start`` does not wait for it. The status
    that ``poststart`` reads is left out: runc 1.1 runs that hook too early, with ``create``.
    """

    def scenario(bed: Bed) -> list[Any]:
        log = bed.home / "hooks"
        log.touch()
        script = f'read -r state; echo "$0 $1 $MARK $state" >> {log}'
        edits: dict[str, Any] = {"root.readonly": False}
        for kind in HOOKS:
            hook = {
                "path": "/bin/sh",
                "args": ["sh", "-c", script, kind, "extra"],
                "env": ["MARK=m"],
                "timeout": 10,
            }
            edits[f"hooks.{kind}"] = [hook]
        edits["mounts"] = [*bed.config["mounts"], _bind(log, log)]
        bed.run("true", edits=edits).ok()
        told = []
        for line in log.read_text().splitlines():
            kind, extra, mark, state = line.split(" ", 3)
            document = json.loads(state)
            status = "" if kind == "poststart" else document["status"]
            told.append((kind, extra, mark, status, shape(document), document["id"]))
        order = [fact[0] for fact in told if fact[0] != "startContainer"]
        assert order == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
        return sorted(told, key=lambda fact: str(fact[0]))

    ran = [fact[0] for fact in pair.agree(scenario)]
    assert ran == sorted(HOOKS)


@pytest.mark.parametrize("kind", [kind for kind in HOOKS if kind != "poststart"])
def test_a_hook_that_fails(pair: Pair, kind: str) -> None:
    def scenario(bed: Bed) -> tuple[int, str]:
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "exit 1"]}
        outcome = bed.run("echo", "ran", edits={f"hooks.{kind}": [hook]})
        return outcome.code, outcome.out

    pair.agree(scenario)


def test_a_poststart_hook_that_fails(runtime: Path, pair: Pair) -> None:
    """ "Generate an error, stop the container" (runtime.md, lifecycle step 9); runc 1.1 has it before the process runs."""

    def scenario(bed: Bed) -> tuple[int, str]:
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "exit 1"]}
        ended = bed.run("echo", "ran", edits={"hooks.poststart": [hook]})
        return ended.code, ended.out

    wanted, got = pair.each(scenario)
    assert wanted[0] == got[0] == 1


def _bind(source: Path, destination: Path) -> dict[str, Any]:
    return {"destination": str(destination), "type": "bind", "source": str(source), "options": ["bind", "rw"]}
