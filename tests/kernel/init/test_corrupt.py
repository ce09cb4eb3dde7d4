"""A plan file that is not one: always an error, never a crash, and no step runs."""

from __future__ import annotations

import random
import struct

import pytest

from kernel.init import driver, plans
from rung.runtime.plan import steps as s
from rung.runtime.plan.wire import encode_step

PLAN = [
    s.SetHostname("x" * 5),
    s.SetSysctl("a", "b"),
    s.RunHook("stage", "/p", ("a", "b"), (), 0, b"{", b"}", 0),
]
HEADER = struct.Struct("<8s6I8i2i")


def header(**changes: object):
    """A change that rewrites header fields."""
    names = ("magic", "version", "size", "steps", "steps_at", "ledger_at", "capacity")

    def change(data: bytes) -> bytes:
        values = list(HEADER.unpack_from(data))
        for name, value in changes.items():
            values[names.index(name)] = value
        return HEADER.pack(*values) + data[HEADER.size :]

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:40],
        lambda data: data[: len(data) // 2],
        header(magic=b"RUNGPLAM"),
        header(version=2),
        header(size=1 << 31),
        header(steps=0xFFFFFFFF),
        header(steps_at=0),
        header(steps_at=75),
        header(steps_at=0xFFFFFFF8),
        header(ledger_at=80),
        header(ledger_at=0xFFFFFFF8),
        header(capacity=0xFFFFFFFF),
    ],
    ids=range(12),
)
def test_headers(rung_init, capfd, change):
    running = driver.start(str(rung_init), PLAN, change=change)
    assert driver.wait_exit(running.outer) == 1
    told = running.receive()
    running.control.close()
    assert told == b"e" or capfd.readouterr().err.startswith("rung-init: ")


def spoil(at: int, fmt: str, value: int):
    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        struct.pack_into(fmt, changed, HEADER.size + at, value)
        return bytes(changed)

    return change


@pytest.mark.parametrize(
    "change",
    [
        spoil(0, "<H", 999),  # a code nobody knows
        spoil(4, "<I", 0xFFFFFFFF),  # the step's length
        spoil(4, "<I", 8),
        spoil(8, "<I", 0xFFFFFFFF),  # the string's length
        spoil(8, "<I", 4),  # the string then lacks its NUL
        spoil(12, "<B", 0),  # a NUL inside
    ],
    ids=range(6),
)
def test_steps(run, change):
    outcome = run(PLAN, change=change)
    assert outcome.messages == [b"e"]
    assert outcome.ledger.error.startswith("step 0: ")
    assert not any(outcome.ledger.began_ns), "no step ran"


def test_random_bytes(rung_init):
    """Any bytes for the steps: exit status 1, no signal. A Sync, kept whole, holds back what passes."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    sync = s.Sync("first")
    behind_sync = HEADER.size + len(encode_step(sync))
    for _ in range(150):

        def change(data: bytes) -> bytes:
            changed = bytearray(data)
            end = HEADER.unpack_from(data)[5]
            for _ in range(chance.randrange(1, 12)):
                at = chance.randrange(behind_sync, end)
                changed[at] = chance.choice((0, 1, 7, 8, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            return bytes(changed)

        running = driver.start(str(rung_init), [sync, *PLAN], change=change)
        message = running.receive()
        running.control.close()  # at the Sync, or never there
        status = driver.wait_exit(running.outer)
        assert (status, message[:1] in (b"s", b"e", b"")) == (1, True), f"seed {seed}: {status} {message!r}"


def test_outer_steps_after_the_birth(run, rootfs):
    plan = [plans.clone(plans.CLONE_NEWNS), s.JoinCgroup("/nowhere")]
    outcome = run(plan)
    assert outcome.ledger.error == "JoinCgroup: belongs before Clone"


def test_a_plan_without_an_end(run):
    assert run([s.SetUmask(0o22)]).ledger.error == "the plan ends without Exec"


@pytest.mark.parametrize("argv", [(), ("x",), ("1",), ("-3",), ("3", "4"), ("99999999999999999999",)])
def test_arguments(rung_init, argv):
    import subprocess

    done = subprocess.run([rung_init, *argv], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("rung-init: rung-init is started by rung-runtime")
