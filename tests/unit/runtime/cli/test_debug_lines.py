"""The steps of a rung-init as ``--debug`` shows them."""

from __future__ import annotations

import pytest

from rung.runtime.cli.debug_lines import debug_lines
from rung.runtime.plan import steps
from rung.runtime.plan.request import Plan
from rung.runtime.plan.text import sentence
from rung.runtime.plan.wire import Ledger

CLONE = steps.Clone(0, b"", b"", 0, steps.SLOT_NONE)
AFFINITY = steps.SetAffinity(b"\x03", "0-1")
FILTER = steps.LoadSeccomp(b"12345678", 40)
EXEC = steps.Exec(("true", "x"), ())


def ledger(current: int, pid: int = 77) -> Ledger:
    return Ledger(0, pid, current, 0, 0, -1, "", 0, "", 0, (), ())


def lines(made: list[steps.Step], current: int, pid: int = 77) -> list[str]:
    return list(debug_lines(Plan(tuple(made)), ledger(current, pid)))


def test_a_new_container_as_far_as_waiting_for_start() -> None:
    assert lines([CLONE, steps.SetHostname("web"), FILTER, steps.WaitStart(), EXEC], 3) == [
        "seccomp filter flags: 40",
        "nsexec container setup",
        "nsexec: create a process",
        "child process in init(): pid 77",
        "init: set the host name to web",
        f"init: {sentence(FILTER)}",
        "init: closing the pipe to signal completion",
    ]


def test_one_more_process() -> None:
    found = lines([AFFINITY, CLONE, AFFINITY, steps.Ready(), EXEC], 4)
    assert found[:2] == ["nsexec container setup", "nsexec: affinity: 0x3"]
    assert "init: affinity: 0x3" in found
    assert found[-1] == "setns_init: about to exec true"


def test_the_affinity_of_the_cgroup_has_no_mask() -> None:
    every = steps.SetAffinity(b"", "all that the cgroup allows")
    assert lines([every], 0) == ["nsexec container setup", "nsexec: run on CPUs: all that the cgroup allows"]


@pytest.mark.parametrize(("pid", "count"), [(0, 2), (77, 3)])
def test_a_step_that_failed_is_the_last(pid: int, count: int) -> None:
    assert len(lines([CLONE, steps.SetHostname("web")], 0, pid)) == count
