"""Work in threads."""

from __future__ import annotations

import threading

import pytest

from rung.image.layer.jobs import Jobs


def test_results_and_errors_in_the_order_of_the_asking() -> None:
    def fail() -> None:
        raise ValueError("no")

    with Jobs(2, "test") as jobs:
        given = [jobs.start(lambda at=at: at * at) for at in range(20)]  # type: ignore[misc]
        bad = jobs.start(fail)
        assert [job.result() for job in given] == [at * at for at in range(20)]
        with pytest.raises(ValueError, match="no"):
            bad.result()
        assert isinstance(bad.error, ValueError)


def test_no_more_at_once_than_said() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=30)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()  # two are here at once, each time
        with lock:
            running -= 1

    with Jobs(2, "test") as jobs:
        for job in [jobs.start(work) for _ in range(10)]:
            job.result()
    assert most == 2


def test_what_has_not_begun_can_be_cancelled() -> None:
    begun, go = threading.Event(), threading.Event()
    done = []

    def work() -> None:
        begun.set()
        assert go.wait(30)

    with Jobs(1, "test") as jobs:
        first, second = jobs.start(work), jobs.start(lambda: done.append(1))
        assert begun.wait(30)
        assert not first.cancel() and second.cancel()
        go.set()
    assert first.error is None and done == []


def test_a_thread_that_found_nothing_to_do_is_replaced() -> None:
    with Jobs(1, "test") as jobs:
        assert jobs.start(lambda: 1).result() == 1
        assert jobs.start(lambda: 2).result() == 2
