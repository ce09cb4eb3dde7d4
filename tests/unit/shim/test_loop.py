"""The shim's loop: descriptors, timers, work aside, children."""

from __future__ import annotations

import os
import subprocess
import sys
from select import EPOLLIN

import pytest

from rung.shim.loop import Loop
from shim.parts import run_until


def test_a_descriptor_is_watched_until_it_is_forgotten() -> None:
    loop, seen = Loop(), list[bytes]()
    reader, writer = os.pipe()

    def ready(_events: int) -> None:
        seen.append(os.read(reader, 10))
        loop.forget(reader)

    loop.watch(reader, EPOLLIN, ready)
    os.write(writer, b"one")
    run_until(loop, lambda: bool(seen))
    os.write(writer, b"two")
    assert not loop.watched(reader)
    loop.after(0, loop.stop)
    loop.run()
    assert seen == [b"one"]
    os.close(reader)
    os.close(writer)


def test_timers_come_in_their_order_and_not_once_cancelled() -> None:
    loop, order = Loop(), list[str]()
    loop.after(0.02, lambda: order.append("late"))
    loop.after(0.0, lambda: order.append("early"))
    loop.after(0.01, lambda: order.append("never")).cancel()
    run_until(loop, lambda: len(order) == 2)
    assert order == ["early", "late"]


def test_work_aside_comes_back_with_its_outcome() -> None:
    loop, outcomes = Loop(), list[object]()
    loop.aside(lambda: 7, lambda result, error: outcomes.append((result, error)))
    run_until(loop, lambda: bool(outcomes))
    failure = ValueError("no")

    def fail() -> None:
        raise failure

    loop.aside(fail, lambda result, error: outcomes.append((result, error)))
    run_until(loop, lambda: len(outcomes) == 2)
    assert outcomes == [(7, None), (None, failure)]


@pytest.mark.parametrize(("code", "status"), [(0, 0), (7, 7), (-9, 137)])
def test_a_child_is_told_once_with_its_status(code: int, status: int) -> None:
    loop, ended = Loop(), list[int]()
    pid = os.fork()
    if not pid:
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)
    loop.child(pid, ended.append)
    run_until(loop, lambda: bool(ended))
    assert ended == [status]
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)


def test_a_bug_in_a_callback_is_said_and_the_loop_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    loop, seen = Loop(), list[str]()

    def bug() -> None:
        raise RuntimeError("a bug of ours")

    loop.soon(bug)
    loop.soon(lambda: seen.append("after it"))
    run_until(loop, lambda: bool(seen))
    assert "a bug of ours" in capsys.readouterr().err


TAKING = """
import os, select, sys
from rung.kernel.process import become_subreaper
from rung.shim import children
from rung.shim.loop import Loop
become_subreaper()
loop, brings, told = Loop(), sys.argv[1] == "brings", []
loop.take_orphans()
gate, opened = os.pipe()
born, known = os.pipe()
first = os.fork()
if not first:
    orphan = os.fork()
    if not orphan:
        os.close(opened)
        os.read(gate, 1)
    else:
        os.write(known, str(orphan).encode())
    os._exit(0)
os.waitpid(first, 0)
orphan = int(os.read(born, 16))

def work():
    held = children.held(lambda: os.posix_spawn("/bin/true", ["true"], {}))
    os.close(opened)
    watched = os.pidfd_open(orphan)
    select.select([watched], [], [], 60)
    gone = False
    for _ in range(50 if brings else 6000):
        try:
            os.kill(orphan, 0)
        except ProcessLookupError:
            gone = True
            break
        select.select([], [], [], 0.01)
    return gone, children.waited(held)

def done(result, error):
    told.append((result, error))
    loop.after(0, loop.stop)

loop.aside(work, done, brings=brings)
loop.run()
print(told[0])
"""


@pytest.mark.parametrize(("brings", "gone"), [("brings", False), ("no", True)])
def test_an_orphan_is_reaped_beside_work_that_brings_none(brings: str, gone: bool) -> None:
    """runsc's ``delete`` waits until its sandbox, which is nobody's child any more, is no zombie either. And whoever is held
    is left to who waits for it."""
    said = subprocess.run([sys.executable, "-c", TAKING, brings], capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout == f"(({gone}, 0), None)\n", said.stderr
