"""The plan of ``runc spec``, whole, and what the workload finds."""

from __future__ import annotations

import os

import pytest

from kernel.init import plans
from rung.runtime.plan import wire

REPORT = """
cat /proc/self/status; echo; id -u; hostname; pwd; echo "home $HOME"; ls /proc/self/fd
touch /x 2>&1; (echo 1 >/proc/sys/kernel/panic) 2>&1; cat /proc/keys | head -1; ls /sys/firmware; echo pid $$
cat /sys/class/net/lo/flags
"""


def test_runs_true(run, rootfs):
    outcome = run(plans.default(rootfs, "/bin/true"))
    assert outcome.ledger.error == ""
    assert outcome.status == 0
    assert outcome.messages == [b"screated", b"r"]
    assert outcome.ledger.state == wire.EXECUTING


def test_waits_for_start(run, rootfs):
    outcome = run(plans.default(rootfs, "sh", "-c", "exit 3", gate=True), gate=True)
    assert (outcome.ledger.error, outcome.status) == ("", 3)


@pytest.fixture(scope="module")
def report():
    return {}


@pytest.fixture
def seen(run, rootfs, report) -> str:
    """What a shell sees inside; one container serves the whole module."""
    if not report:
        outcome = run(plans.default(rootfs, "sh", "-c", REPORT))
        assert outcome.ledger.error == ""
        report["text"] = outcome.output
    return report["text"]


@pytest.mark.parametrize(
    "line",
    [
        f"CapBnd:\t{plans.CAPS:016x}",
        f"CapEff:\t{plans.CAPS:016x}",
        f"CapPrm:\t{plans.CAPS:016x}",
        f"CapInh:\t{0:016x}",
        f"CapAmb:\t{0:016x}",
        "NoNewPrivs:\t1",
        "Umask:\t0022",
        f"SigIgn:\t{0:016x}",
        f"SigBlk:\t{0:016x}",
        "Groups:\t ",
        "runc",
        "/",
        "home /root",
        "touch: /x: Read-only file system",
        "sh: can't create /proc/sys/kernel/panic: Read-only file system",
        "pid 1",
        "0x9",
    ],
)
def test_inside(seen, line):
    assert line in seen.splitlines()


def test_only_stdio_is_open(seen):
    opened = [line for line in seen.splitlines() if line.isdigit()]
    assert opened == ["0", "0", "1", "2", "3"], "the uid, then ls's own descriptors: stdio and the directory"


def test_the_ledger_has_every_call(run, rootfs):
    plan = plans.default(rootfs, "/bin/true")
    ledger = run(plan).ledger
    assert all(began > 0 for began in ledger.began_ns)
    assert list(ledger.began_ns) == sorted(ledger.began_ns)
    assert [call.step for call in ledger.calls] == sorted(call.step for call in ledger.calls)
    made = {call.number for call in ledger.calls}
    assert made >= {435, 430, 431, 432, 429, 155, 59} or os.uname().machine != "x86_64"
    assert {call.step for call in ledger.calls} == set(range(len(plan)))


def test_the_ledger_counts_past_its_capacity(run, rootfs):
    plan = plans.default(rootfs, "/bin/true")
    at = 8 + 5 * 4  # the header's call capacity

    def small(data: bytes) -> bytes:
        return data[:at] + (10).to_bytes(4, "little") + data[at + 4 :]

    outcome = run(plan, change=small)
    assert outcome.status == 0
    assert len(outcome.ledger.calls) == 10


def test_ignored_signals_of_the_caller_end_here(run, rootfs):
    import signal

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        outcome = run(plans.default(rootfs, "grep", "SigIgn", "/proc/self/status"))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert outcome.output.split() == ["SigIgn:", "0" * 16]


def test_every_namespace_is_new(run, rootfs):
    outcome = run(plans.default(rootfs, "ls", "-l", "/proc/self/ns"))
    for name in ("mnt", "cgroup", "uts", "ipc", "pid", "net"):
        assert os.readlink(f"/proc/self/ns/{name}") not in outcome.output, name
        assert f"{name}:[" in outcome.output
    assert os.readlink("/proc/self/ns/user") in outcome.output
