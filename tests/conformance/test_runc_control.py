"""Signals, pause, update, figures and documents: the rest of runc's command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from . import outcome
from .bed import Bed, Pair, until
from .shape import lacking, shape

CATCH = (
    'for s in TERM HUP USR1 WINCH; do trap "echo got $s" $s; done; echo ready; while :; do sleep 0.05; done'
)


@pytest.mark.parametrize(
    ("signal", "named"),
    [
        ([], "TERM"),
        (["TERM"], "TERM"),
        (["SIGHUP"], "HUP"),
        (["10"], "USR1"),
        (["usr1"], "USR1"),
        (["WINCH"], "WINCH"),
    ],
    ids=str,
)
def test_kill(pair: Pair, signal: list[str], named: str) -> None:
    def scenario(bed: Bed) -> tuple[int, str]:
        bundle, name = bed.bundle("sh", "-c", CATCH), bed.new_id()
        said = bed.call("run", "--detach", "--bundle", bundle, name).ok()
        until(lambda: "ready" in said.out, "the handlers are set")
        code = bed.call("kill", name, *signal).code
        if code == 0:
            until(lambda: "got" in said.out, "the signal has come")
        return code, said.out

    assert f"got {named}" in pair.agree(scenario)[1]


@pytest.mark.parametrize("signal", ["NOSUCH", "99", "-1", "1.5", ""])
def test_kill_with_what_is_no_signal(pair: Pair, signal: str) -> None:
    def scenario(bed: Bed) -> tuple[bool, str]:
        name = bed.detached()
        return bed.call("kill", name, signal).code == 0, bed.status(name)

    pair.agree(scenario)


@pytest.mark.parametrize("option", ["--all", "-a"])
def test_kill_of_all(pair: Pair, option: str) -> None:
    def scenario(bed: Bed) -> int:
        name = bed.detached()
        bed.call("exec", "--detach", name, "sleep", "1000").ok()
        code = bed.call("kill", option, name, "KILL").code
        bed.wait_for(name, "stopped")
        return code

    assert pair.agree(scenario) == 0


def test_kill_of_a_created_container(pair: Pair) -> None:
    def scenario(bed: Bed) -> str:
        name = bed.created()
        bed.call("kill", name, "KILL").ok()
        bed.wait_for(name, "stopped")
        return bed.status(name)

    assert pair.agree(scenario) == "stopped"


def test_kill_of_all_without_a_process_namespace(pair: Pair) -> None:
    """Whatever is in the container's cgroup goes, also when its first process has gone before."""

    def scenario(bed: Bed) -> tuple[int, int]:
        edits = {"linux.namespaces": [{"type": kind} for kind in ("mount", "ipc", "uts")]}
        name = bed.detached("sh", "-c", "sleep 1000 & sleep 1000 & wait", edits=edits)
        code = bed.call("kill", "--all", name, "KILL").code
        bed.wait_for(name, "stopped")
        return code, bed.call("delete", name).code

    assert pair.agree(scenario) == (0, 0)


def test_pause(pair: Pair) -> None:
    def scenario(bed: Bed) -> list[Any]:
        name = bed.detached()
        facts: list[Any] = [bed.call("pause", name).code, bed.status(name)]
        facts += [bed.call("pause", name).code, bed.call("exec", name, "true").code]
        facts += [bed.call("ps", name).code, bed.call("kill", name, "TERM").code]
        facts += [bed.call("resume", name).code, bed.call("resume", name).code, bed.status(name)]
        bed.call("pause", name).ok()
        return [*facts, bed.call("delete", name).code, bed.call("delete", "--force", name).code]

    pair.agree(scenario)


def test_ps(pair: Pair) -> None:
    def scenario(bed: Bed) -> Any:
        name = bed.detached("sh", "-c", "sleep 1000 & exec sleep 1001")
        until(lambda: len(bed.call("ps", "-f", "json", name).ok().json()) == 2, "both processes are there")
        numbers = bed.call("ps", "--format", "json", name).ok().json()
        assert bed.pid(name) in numbers
        table = bed.call("ps", name).ok().out.splitlines()
        chosen = bed.call("ps", name, "-o", "pid,args").ok().out.splitlines()
        assert sorted(int(line.split()[1]) for line in table[1:]) == sorted(numbers)
        return table[0].split(), sorted(line.split(maxsplit=1)[1] for line in chosen)

    assert pair.agree(scenario)[1] == ["COMMAND", "sleep 1000", "sleep 1001"]


UPDATES: dict[str, tuple[list[str], str]] = {
    "memory": (["--memory", "64M"], "memory/memory.limit_in_bytes"),
    "memory in bytes": (["--memory", "67108864"], "memory/memory.limit_in_bytes"),
    "memory reservation": (["--memory-reservation", "32M"], "memory/memory.soft_limit_in_bytes"),
    "memory off": (["--memory", "-1"], "memory/memory.limit_in_bytes"),
    "cpu share": (["--cpu-share", "200"], "cpu/cpu.shares"),
    "cpu quota": (["--cpu-quota", "30000", "--cpu-period", "60000"], "cpu/cpu.cfs_quota_us"),
    "cpu period": (["--cpu-period", "60000"], "cpu/cpu.cfs_period_us"),
    "cpu set": (["--cpuset-cpus", "1"], "cpuset/cpuset.cpus"),
    "memory nodes": (["--cpuset-mems", "0"], "cpuset/cpuset.mems"),
    "processes": (["--pids-limit", "21"], "pids/pids.max"),
    "processes off": (["--pids-limit", "-1"], "pids/pids.max"),
    "nonsense": (["--memory", "much"], "memory/memory.limit_in_bytes"),
    "nothing": ([], "pids/pids.max"),
}


@pytest.mark.parametrize("name", UPDATES)
def test_update(pair: Pair, name: str) -> None:
    """Exit code and the cgroup's file before and after."""
    options, file = UPDATES[name]

    def scenario(bed: Bed) -> tuple[str, int, str]:
        start = {"memory": {"limit": 50331648}, "pids": {"limit": 40}, "cpu": {"shares": 500, "cpus": "0-1"}}
        container = bed.detached(edits={"linux.resources": start})
        before = bed.cgroup_file(container, file)
        code = bed.call("update", *options, container).code
        return before, code, bed.cgroup_file(container, file)

    pair.agree(scenario)


@pytest.mark.parametrize("source", ["-", "file"])
def test_update_by_a_document(pair: Pair, source: str) -> None:
    def scenario(bed: Bed) -> tuple[int, list[str]]:
        container, file = bed.detached(), bed.home / "resources.json"
        resources = {"memory": {"limit": 41943040}, "cpu": {"shares": 256}, "pids": {"limit": 19}}
        file.write_text(json.dumps(resources))
        place = "-" if source == "-" else file
        code = bed.call("update", "--resources", place, container, input=file.read_bytes()).code
        files = ("memory/memory.limit_in_bytes", "cpu/cpu.shares", "pids/pids.max")
        return code, [bed.cgroup_file(container, name) for name in files]

    assert pair.agree(scenario)[0] == 0


def test_update_keeps_the_rest_and_state_shows_it(pair: Pair) -> None:
    """A second update without a value keeps the first one's."""

    def scenario(bed: Bed) -> list[str]:
        container = bed.detached()
        bed.call("update", "--memory", "64M", container).ok()
        bed.call("update", "--pids-limit", "30", container).ok()
        return [
            bed.cgroup_file(container, name) for name in ("memory/memory.limit_in_bytes", "pids/pids.max")
        ]

    pair.agree(scenario)


def test_update_of_a_stopped_container(pair: Pair) -> None:
    def scenario(bed: Bed) -> int:
        container = bed.detached("true")
        bed.wait_for(container, "stopped")
        return bed.call("update", "--pids-limit", "5", container).code

    pair.agree(scenario)


def test_figures(pair: Pair) -> None:
    """``events --stats``: every key that runc gives is there with its kind of value."""

    def scenario(bed: Bed) -> Any:
        container = bed.detached(
            edits={"linux.resources": {"memory": {"limit": 67108864}, "pids": {"limit": 9}}}
        )
        figures = bed.call("events", "--stats", container).ok().json()
        assert (figures["type"], figures["id"]) == ("stats", container)
        assert figures["data"]["pids"] == {"current": 1, "limit": 9}
        assert figures["data"]["memory"]["usage"]["limit"] == 67108864
        assert figures["data"]["cpu"]["usage"]["total"] > 0
        return shape(figures)

    wanted, got = pair.each(scenario)
    assert lacking(wanted, got) == []


def test_events(pair: Pair) -> None:
    """A line of JSON each interval."""

    def scenario(bed: Bed) -> Any:
        container = bed.detached()
        log = bed.home / "events"
        with log.open("wb") as into:
            listener = outcome.start(
                [bed.program, "--root", bed.root, "events", "--interval", "100ms", container], into
            )
        try:
            until(lambda: log.read_bytes().count(b"\n") >= 2, "two events")
        finally:
            outcome.end(listener)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return {(line["type"], line["id"]) for line in lines}

    pair.agree(scenario)


@pytest.mark.parametrize("words", [["events", "--stats"], ["ps"], ["pause"], ["resume"]], ids=" ".join)
def test_commands_on_a_stopped_container(pair: Pair, words: list[str]) -> None:
    def scenario(bed: Bed) -> int:
        container = bed.detached("true")
        bed.wait_for(container, "stopped")
        return bed.call(*words, container).code

    pair.agree(scenario)


@pytest.mark.parametrize(
    "words",
    [
        ["state"],
        ["start"],
        ["exec", "ID", "true"],
        ["kill"],
        ["delete"],
        ["ps"],
        ["pause"],
        ["resume"],
        ["events"],
    ],
    ids=lambda words: words[0],
)
def test_commands_on_a_container_that_is_not_there(pair: Pair, words: list[str]) -> None:
    def scenario(bed: Bed) -> tuple[int, bool]:
        line = [*words[:1], bed.new_id(), *words[2:]]
        ended = bed.call(*line)
        return ended.code, "does not exist" in ended.err

    assert pair.agree(scenario)[1]


@pytest.mark.parametrize("options", [[], ["--rootless"]], ids=str)
def test_spec(pair: Pair, options: list[str]) -> None:
    """The default document: what runc's has is in it, under the same keys (but see ``default_config``)."""

    def scenario(bed: Bed) -> Any:
        folder = bed.home / "new"
        folder.mkdir()
        bed.call("spec", *options, "--bundle", folder).ok()
        again = bed.call("spec", *options, cwd=folder)
        assert again.code == 1
        document = json.loads((folder / "config.json").read_text())
        document["process"]["capabilities"].pop("ambient", None)
        return document

    wanted, got = pair.each(scenario)
    assert lacking(shape(wanted), shape(got)) == []
    for name in ("process", "root", "mounts", "linux"):
        assert got[name] == wanted[name]


#: What Rung does not claim, since it cannot do it yet (docs/conformance.md).
NOT_BUILT = {"SCMP_ACT_NOTIFY", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64"} | {
    f"SCMP_ARCH_MIPS{kind}" for kind in ("", "64", "64N32", "EL", "EL64", "EL64N32")
}


def test_features(pair: Pair) -> None:
    """Everything runc can, the runtime under test says it can."""

    def scenario(bed: Bed) -> Any:
        return bed.call("features").ok().json()

    wanted, got = pair.each(scenario)
    wanted.pop("annotations", None)
    assert lacking(shape(wanted), shape(got)) == []
    assert set(wanted["mountOptions"]) - set(got["mountOptions"]) == set()
    assert set(wanted["hooks"]) - set(got["hooks"]) == set()
    for name in ("namespaces", "capabilities"):
        assert set(wanted["linux"][name]) - set(got["linux"][name]) == set()
    for name in ("actions", "operators", "archs"):
        missing = set(wanted["linux"]["seccomp"][name]) - set(got["linux"]["seccomp"][name])
        assert missing - NOT_BUILT == set()


@pytest.mark.parametrize("words", [["--version"], ["-v"]], ids=str)
def test_version(pair: Pair, words: list[str]) -> None:
    """``NAME version ...`` and a line ``spec: ...``, which clients read."""

    def scenario(bed: Bed) -> tuple[bool, bool]:
        lines = bed.call(*words).ok().out.splitlines()
        return " version " in lines[0], any(line.startswith("spec: 1.") for line in lines)

    assert pair.agree(scenario) == (True, True)


@pytest.mark.parametrize("words", [["--help"], ["help"], ["run", "--help"], ["-h"]], ids=" ".join)
def test_help(pair: Pair, words: list[str]) -> None:
    def scenario(bed: Bed) -> tuple[int, bool]:
        ended = bed.call(*words)
        return ended.code, bool(ended.out)

    assert pair.agree(scenario) == (0, True)


def test_help_names_the_commands(pair: Pair) -> None:
    commands = (
        "create delete events exec features kill list pause ps resume run spec start state update".split()
    )

    def scenario(bed: Bed) -> list[str]:
        said = bed.call("--help").ok().out.split()
        return [name for name in commands if name not in said and f"{name}," not in said]

    assert pair.agree(scenario) == []


def test_the_mark_of_a_folder_that_is_gone(pair: Pair) -> None:
    """A container whose bundle has vanished can still be asked about and deleted."""

    def scenario(bed: Bed) -> list[int]:
        container = bed.detached()
        bundle = bed.home / "bundle0"
        (bundle / "config.json").unlink()
        codes = [bed.call("state", container).code, bed.call("kill", container, "KILL").code]
        bed.wait_for(container, "stopped")
        return [*codes, bed.call("delete", container).code]

    assert pair.agree(scenario) == [0, 0, 0]


def test_containers_do_not_see_each_other(pair: Pair) -> None:
    def scenario(bed: Bed) -> tuple[str, str]:
        first, second = bed.detached(), bed.detached("sleep", "999")
        for name in (first, second):
            bed.call("exec", name, "sh", "-c", "echo $$ > /dev/shm/mark").ok()
        listed = bed.call("exec", first, "ps", "-o", "args").ok().out
        return listed, str(Path("/dev/shm/mark").exists())

    listed, outside = pair.agree(scenario)
    assert "sleep 999" not in listed
    assert outside == "False"
