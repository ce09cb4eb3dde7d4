"""A task's life with a runtime that is none: the order of events, what each state allows, outputs and the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from rung.errors import RungError
from rung.shim.errors import AlreadyExists, FailedPrecondition, NotFound
from rung.shim.loop import Loop
from rung.shim.stdio.streams import Asked
from rung.shim.task import Task
from rung.spec.shim import events
from shim.parts import PATIENCE_S, FakeRuntime, run_until


class Life:
    def __init__(self, folder: Path) -> None:
        self.loop, self.runtime, self.told = Loop(), FakeRuntime(), list[events.Event]()
        self.output = folder / "out"
        (folder / "rootfs").mkdir()
        asked = Asked(stdout=f"file://{self.output}")
        self.task = Task(self.loop, self.runtime, self.told.append, "one", "ns", str(folder), asked)
        self.done: list[BaseException | None] = []

    def wait(self) -> BaseException | None:
        run_until(self.loop, lambda: bool(self.done))
        return self.done.pop()

    def created(self) -> None:
        self.task.create([], "", False, self.done.append)
        assert self.wait() is None

    def started(self) -> None:
        self.created()
        self.task.start(self.done.append)
        assert self.wait() is None

    def ended(self, status: int = 0) -> None:
        self.runtime.finish(self.task.init.pid, status)
        run_until(self.loop, lambda: self.topics[-1] == "exit")

    @property
    def topics(self) -> list[str]:
        return [event.topic for event in self.told]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    for pid, gate in made.runtime.gates.items():
        os.close(gate)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:  # the loop has had it
            continue


def test_create_start_exit_delete(life: Life) -> None:
    life.started()
    life.ended(3)
    assert (life.task.init.exit_status, life.task.init.ended) == (3, True)
    life.task.delete(life.task.init, life.done.append)
    assert life.wait() is None
    assert life.topics == ["create", "start", "exit", "delete"]
    assert life.runtime.asked == ["create", "start", "delete"]
    assert life.output.read_text() == "hello\n"


def test_waiters_hear_of_the_end_after_it_was_told(life: Life) -> None:
    life.started()
    heard: list[str] = []
    life.task.init.when_over(lambda: heard.append(life.topics[-1]))
    life.ended()
    assert heard == ["exit"]
    life.task.init.when_over(lambda: heard.append("at once"))
    assert heard[-1] == "at once"


def test_what_runs_is_not_deleted(life: Life) -> None:
    life.started()
    with pytest.raises(FailedPrecondition, match="cannot delete a running process"):
        life.task.delete(life.task.init, life.done.append)


def test_a_second_start_is_refused(life: Life) -> None:
    life.started()
    with pytest.raises(FailedPrecondition, match="is running"):
        life.task.start(life.done.append)


def test_a_signal_to_what_has_ended_is_not_found(life: Life) -> None:
    life.started()
    life.ended()
    with pytest.raises(NotFound, match="process already finished"):
        life.task.kill(life.task.init, 9, False, life.done.append)


def test_a_start_that_fails_leaves_it_created(life: Life) -> None:
    life.created()
    life.runtime.fails["start"] = RuntimeError("a hook said no")
    life.task.start(life.done.append)
    assert str(life.wait()) == "a hook said no"
    assert life.task.init.state == "created"
    life.task.delete(life.task.init, life.done.append)
    assert life.wait() is None
    assert life.runtime.asked[-1] == "delete force"


def test_a_create_that_fails_leaves_nothing(life: Life) -> None:
    life.runtime.fails["create"] = RuntimeError("no such bundle")
    gc.collect()  # what an earlier test has left is closed now, and not meanwhile
    before = set(os.listdir("/proc/self/fd"))
    life.task.create([], "", False, life.done.append)
    assert str(life.wait()) == "no such bundle"
    assert life.told == []
    assert set(os.listdir("/proc/self/fd")) == before


def test_an_exec_ends_before_the_init(life: Life) -> None:
    life.started()
    life.task._shares_pids = True
    exec_ = life.task.add_exec("e1", Asked())
    life.task.start_exec(exec_, {}, life.done.append)
    assert life.wait() is None
    life.runtime.finish(life.task.init.pid, 5)
    run_until(life.loop, lambda: life.topics.count("exit") == 2)
    exits = [event for event in life.told if isinstance(event, events.TaskExit)]
    assert [event.id for event in exits] == ["e1", "one"]
    assert [event.exit_status for event in exits] == [137, 5]
    assert "kill 9 all" in life.runtime.asked


def test_an_exec_of_that_name_is_there(life: Life) -> None:
    life.started()
    life.task.add_exec("e1", Asked())
    with pytest.raises(AlreadyExists, match='"e1" of "one": exists already'):
        life.task.add_exec("e1", Asked())
    with pytest.raises(NotFound, match='"e2" of "one"'):
        life.task.process("e2")


def test_an_exec_that_cannot_be_started_has_ended(life: Life) -> None:
    life.started()
    exec_ = life.task.add_exec("e1", Asked())
    life.runtime.fails["exec"] = RuntimeError("no such program")
    life.task.start_exec(exec_, {}, life.done.append)
    assert str(life.wait()) == "no such program"
    heard: list[int] = []
    exec_.when_over(lambda: heard.append(exec_.exit_status))
    assert heard == [255]


class FakeWatch:
    """Says what it is given, when its pipe has a byte or when it is asked."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.news: list[int | None] = []
        self.closed = False

    def fileno(self) -> int:
        return self.reader

    def look(self) -> int | None:
        return self.news.pop(0) if self.news else 0

    def close(self) -> None:
        self.closed = True
        os.close(self.reader)
        os.close(self.writer)


def test_lack_of_memory_is_told_when_it_happens_and_before_the_end(life: Life) -> None:
    watch = FakeWatch()
    life.task.watch = lambda _pid: watch  # type: ignore[assignment,return-value]
    life.started()
    watch.news = [1]
    os.write(watch.writer, b".")
    run_until(life.loop, lambda: life.topics[-1] == "oom")
    os.read(watch.reader, 1)
    watch.news = [2]  # of which the kernel has woken nobody yet
    life.ended(137)
    assert life.topics == ["create", "start", "oom", "oom", "exit"]
    life.task.delete(life.task.init, life.done.append)
    assert life.wait() is None
    assert watch.closed


def test_a_watch_whose_cgroup_is_gone_ends(life: Life) -> None:
    watch = FakeWatch()
    life.task.watch = lambda _pid: watch  # type: ignore[assignment,return-value]
    life.started()
    watch.news = [None]
    os.write(watch.writer, b".")
    run_until(life.loop, lambda: watch.closed)
    assert "oom" not in life.topics


def test_where_nobody_counts_memory_nothing_is_told(life: Life) -> None:
    def none(_pid: int) -> None:
        raise RungError("watch for out of memory", "", "this host has no memory controller")

    life.task.watch = none  # type: ignore[assignment]
    life.started()
    life.ended()
    assert life.topics == ["create", "start", "exit"]


def test_pause_and_resume_are_told(life: Life) -> None:
    life.started()
    life.task.pause(life.done.append)
    assert life.wait() is None
    assert life.task.paused
    life.task.resume(life.done.append)
    assert life.wait() is None
    assert life.topics[-2:] == ["paused", "resumed"]


def test_a_kill_that_fails_for_the_end_has_found_nobody(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another runtime's program finds half of its records gone, where the container is being deleted meanwhile."""
    life.started()

    def late(_signal: int, *, all: bool) -> None:
        life.runtime.finish(life.task.init.pid, 0)
        until(lambda: life.task.init.ended)
        raise RuntimeError("loading container: no such file or directory")

    def until(condition: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE_S
        while not condition():
            assert monotonic() < deadline
            sleep(0.005)

    monkeypatch.setattr(life.runtime, "kill", late)
    life.task.kill(life.task.init, 9, False, life.done.append)
    assert isinstance(life.wait(), NotFound)
