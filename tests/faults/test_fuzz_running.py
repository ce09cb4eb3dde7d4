"""What a container that runs may be given at random, executed: processes for ``exec``, limits for ``update``.

As ``test_fuzz.py``: each is carried out or refused in one sentence, within seconds, the container goes on,
and nothing is left. ``RUNG_TEST_FUZZ_S`` is for all: a third of it for each of these two.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurations import struct
from faults.test_fuzz import HANGS_S, SPENT_S, no_longer_than
from kernel.runtime.bed import ended_within, reap
from rung.errors import RungError
from rung.runtime import Container, ExecOptions, Stdio

EACH_S = SPENT_S / 3
SETTINGS = settings(max_examples=int(60 * EACH_S), deadline=None, suppress_health_check=list(HealthCheck))


class Running:
    """A container that something is done to; another takes its place where that was its end."""

    def __init__(self, bed) -> None:
        self.bed = bed
        self.null = os.open("/dev/null", os.O_RDWR)
        self.stdio = Stdio(self.null, self.null, self.null)
        self.end = time.monotonic() + EACH_S
        self.failed = False
        self.done = self.refused = 0
        self.container = self.new()

    def new(self) -> Container:
        made = self.bed.runtime.create(self.bed.new_id(), str(self.bed.bundle(["sleep", "1000"])), stdio=self.stdio)
        made.start()
        return made

    def remove(self) -> None:
        pid = self.container.pid
        with no_longer_than(HANGS_S):
            self.container.delete(force=True)
        reap(pid)

    def over(self) -> bool:
        return not self.failed and time.monotonic() > self.end

    def attempt(self, do: Any, given: object) -> None:
        self.failed = True
        self.bed.notes.clear()
        before = self.surroundings()
        try:
            with no_longer_than(HANGS_S):
                do(given)
            self.done += 1
        except RungError as error:
            assert str(error).isprintable(), repr(str(error))
            assert not getattr(error, "__notes__", []), error.__notes__
            self.refused += 1
        assert all(note.isprintable() for note in self.bed.notes), self.bed.notes
        assert self.surroundings() == before
        if self.container.status != "running":  # for want of memory, say
            assert self.container.status == "stopped"
            self.remove()
            self.container = self.new()
        self.failed = False

    def exec(self, process: dict[str, Any]) -> None:
        started = self.container.exec(process, ExecOptions(stdio=self.stdio))
        try:
            ended_within(started.pid, 2)
        except AssertionError:  # a scheduler that never lets it run, for one
            os.kill(started.pid, 9)
            ended_within(started.pid)
        started.wait()

    def update(self, resources: dict[str, Any]) -> None:
        self.container.update(resources)

    def surroundings(self) -> dict[str, Any]:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = [pid for pid in file.read().split() if int(pid) != self.container.facts.pid]
        return {
            "children": children,
            "state": sorted(os.listdir(self.bed.state)),
            "files": sorted({*os.listdir(self.bed.state / self.container.id)} - {"resources.json"}),
            "descriptors": len(os.listdir("/proc/self/fd")),
        }


@pytest.fixture
def running(bed) -> Iterator[Running]:
    made = Running(bed)
    yield made
    made.remove()
    os.close(made.null)


@SETTINGS
@given(struct("Process"), st.booleans())
def execs(running, process, sensible):
    if sensible:  # else most are refused for their arguments or their directory
        process = {**process, "args": ["true"], "cwd": "/"}
    if not running.over():
        running.attempt(running.exec, process)


def test_processes_are_executed_or_refused(running):
    execs(running)
    assert running.done > EACH_S
    assert running.refused > EACH_S


@SETTINGS
@given(struct("Resources"))
def updates(running, resources):
    if not running.over():
        running.attempt(running.update, resources)


def test_limits_are_set_or_refused(running):
    updates(running)
    assert running.done > EACH_S / 4
    assert running.refused > EACH_S
