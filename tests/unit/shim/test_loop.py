"""The shim's loop: descriptors, timers, work aside, children."""

from __future__ import annotations

import os
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
