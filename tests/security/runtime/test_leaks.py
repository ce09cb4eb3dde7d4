"""CVE-2024-21626: neither a descriptor nor a working directory of ours or of the caller gets in.

Both ways of the program are tried: cold, and by the warm server, whose own descriptors and those it
got from other callers are as little the workload's.

Without KeepFds (exec.c) the caller's descriptors were listed inside and held by a created one; with Chdir by
the path's string and without its getcwd besides, `pwd` ran in the host's directory.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import warmth
from kernel.runtime.bed import Outcome, one_sentence

SRC = Path(__file__).resolve().parents[3] / "src"
BOTH_WAYS = pytest.mark.parametrize("way", ["cold", "warm"])


@pytest.fixture
def call(bed, way):
    """The program in the asked-for way, with a directory of the host open as 7 to 9, inheritable."""
    environment = {**os.environ, "RUNG_WARM": "on" if way == "warm" else "off"}
    if way == "warm":
        warmth.start(bed.program, SRC)

    def run(*words: object) -> Outcome:
        leaked = [os.open("/", os.O_RDONLY) for _ in range(3)]
        try:
            for fd, place in zip(leaked, (57, 58, 59), strict=True):
                os.dup2(fd, place)
            return bed.call(*words, env=environment, pass_fds=(57, 58, 59), cwd="/etc")
        finally:
            for fd in (*leaked, 57, 58, 59):
                os.close(fd)

    yield run
    if way == "warm" and not warmth.asked_for():
        warmth.stop(SRC)


@BOTH_WAYS
def test_no_descriptor_but_stdio(bed, call):
    outcome = call("run", "-b", bed.bundle(["ls", "/proc/self/fd"]), bed.new_id())
    assert outcome.output.split() == ["0", "1", "2", "3"], "3 is ls's own"
    with bed.running() as container:
        assert call("exec", container.id, "ls", "/proc/self/fd").output.split() == ["0", "1", "2", "3"]


@BOTH_WAYS
def test_a_created_one_holds_nothing_of_the_callers(bed, call):
    name = bed.new_id()
    assert call("create", "-b", bed.bundle(["true"]), name).status == 0
    try:
        pid = bed.runtime.get(name).pid
        targets = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert not targets & {"/", "/etc", str(bed.folder)}, targets
        assert not [target for target in targets if target.startswith("socket:[") and "control" in target]
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
    finally:
        assert call("delete", "--force", name).status == 0


@BOTH_WAYS
def test_no_working_directory_by_a_descriptor(bed, call):
    for number in (*range(3, 20), 57, 58, 59):
        bundle = bed.bundle(["pwd"], {"process.cwd": f"/proc/self/fd/{number}"})
        one_sentence(call("run", "-b", bundle, bed.new_id()), f"/proc/self/fd/{number}")


@BOTH_WAYS
def test_nor_for_exec(bed, call):
    root = bed.own_rootfs()
    (root / "link").symlink_to("/proc/self/fd/57")
    with bed.running({"root.path": str(root)}) as container:
        for path in (*(f"/proc/self/fd/{n}" for n in (*range(3, 20), 57)), "/proc/self/fd/57/../..", "/link", "/link/etc"):
            outcome = call("exec", "--cwd", path, container.id, "pwd")
            assert outcome.status == 255 and outcome.output == "", (path, outcome)
            assert path in outcome.error or "/link" in outcome.error


@BOTH_WAYS
def test_the_callers_own_working_directory_is_left_behind(bed, call):
    """The caller stands in /etc of the host; the workload stands where its cwd says, inside."""
    root = bed.own_rootfs()
    (root / "deep").mkdir()
    bundle = bed.bundle(["sh", "-c", "pwd; ls -a ..; readlink /proc/self/cwd"], {"root.path": str(root), "process.cwd": "/deep"})
    outcome = call("run", "-b", bundle, bed.new_id())
    assert outcome.lines[0] == outcome.lines[-1] == "/deep"
    assert set(outcome.lines[1:-1]) == {".", "..", *(path.name for path in root.iterdir())}


@BOTH_WAYS
def test_a_working_directory_that_is_taken_away_is_not_the_hosts(bed, call):
    """exec into a directory that the container has deleted: refused, and not somewhere else."""
    root = bed.own_rootfs()
    (root / "gone").mkdir()
    edits = {"root.path": str(root), "root.readonly": False}
    with bed.running({**edits, "process.cwd": "/gone", "process.args": ["sh", "-c", "rmdir /gone; sleep 1000"]}) as container:
        while (root / "gone").exists():
            assert (Path("/proc") / str(container.pid)).exists()
        outcome = call("exec", "--cwd", "/gone", container.id, "pwd")
        assert (outcome.status, outcome.output) == (255, "")


@BOTH_WAYS
def test_preserved_ones_are_just_those_asked_for(bed, call):
    """--preserve-fds counts from 3: the leaked ones above are closed all the same."""
    bundle = bed.bundle(["ls", "/proc/self/fd"])
    outcome = call("run", "--preserve-fds", "1", "-b", bundle, bed.new_id())
    assert not {"57", "58", "59"} & set(outcome.output.split()), outcome
