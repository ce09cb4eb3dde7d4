"""Threads by kind of work: who waits for a peer is in nobody's way, and is bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from rung.engine import threads
from rung.engine.errors import StalledError, Unavailable
from rung.engine.threads import Spares, Threads


def run(use: Callable[[Threads, threading.Event], Awaitable[None]]) -> None:
    """``use`` gets the threads, and what ends the work of those that are stalled."""

    async def main() -> None:
        made, go_on = Threads(), threading.Event()
        try:
            await use(made, go_on)
        finally:
            go_on.set()
            made.close()

    asyncio.run(main())


def test_stalled_calls_leave_the_engines_own_work_and_other_subjects_alone() -> None:
    async def use(made: Threads, go_on: threading.Event) -> None:
        stalled = [made.start("exports of a", go_on.wait) for _ in range(threads.SUBJECT_LIMIT)]
        assert await made.own(lambda: 1) == 1
        assert await made.disk(lambda: 2) == 2
        assert await made.apart("exports of b", lambda: 3) == 3
        with pytest.raises(Unavailable, match="exports of a: 256 requests are under way already"):
            await made.apart("exports of a", lambda: 4)
        go_on.set()
        await asyncio.gather(*stalled)
        assert await made.apart("exports of a", lambda: 4) == 4

    run(use)


def test_after_its_deadline_a_caller_is_let_go() -> None:
    async def use(made: Threads, go_on: threading.Event) -> None:
        with pytest.raises(StalledError, match="the files of container web have not answered within 0.01 s"):
            await made.apart("the files of container web", go_on.wait, deadline_s=0.01)

    run(use)


def test_an_error_is_the_callers() -> None:
    async def use(made: Threads, _go_on: threading.Event) -> None:
        with pytest.raises(ZeroDivisionError):
            await made.apart("x", lambda: 1 // 0)
        assert await made.apart("x", lambda: 5, deadline_s=60.0) == 5

    run(use)


def test_a_caller_that_is_cancelled_counts_until_its_call_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SUBJECT_LIMIT", 1)

    async def use(made: Threads, go_on: threading.Event) -> None:
        future = made.start("x", go_on.wait)
        future.cancel()
        with pytest.raises(Unavailable):
            await made.apart("x", lambda: 1)
        go_on.set()
        while made._under_way:
            await asyncio.sleep(0)

    run(use)


def test_idle_threads_are_used_again_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_S", 0.05)
    spares, names, done = Spares(), set[int](), threading.Semaphore(0)

    def work() -> None:
        names.add(threading.get_ident())
        done.release()

    join_spares()  # of other tests
    for _ in range(50):
        spares.run(work)
        assert done.acquire(timeout=60)
        while not spares._idle and any(thread.name == "apart" for thread in threading.enumerate()):
            pass
    assert len(names) < 50
    join_spares()


def join_spares() -> None:
    """Raises where one does not end."""
    for thread in threading.enumerate():
        if thread.name == "apart":
            thread.join(60)
            assert not thread.is_alive()
