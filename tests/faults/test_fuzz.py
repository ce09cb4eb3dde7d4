"""Configurations at random, executed: each ends as it may, or is refused in one sentence, within
seconds, and nothing is left.

``RUNG_TEST_FUZZ_S`` seconds (30 unless said) are spent; a failure is shrunk beyond them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurations import edits, namespaces
from conformance.bundle import edit
from kernel.runtime.bed import ended_within, reap
from rung.errors import RungError
from rung.runtime import ContainerNotFound, Stdio

SPENT_S = float(os.environ.get("RUNG_TEST_FUZZ_S", "30"))
HANGS_S = 60
LEAST = 30
MAPPINGS = [{"containerID": 0, "hostID": 100000, "size": 65536}]


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """A hang is an error that says where."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it takes longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Trials:
    """Runs configurations, one after another, over one root file system."""

    def __init__(self, bed) -> None:
        self.bed = bed
        self.rootfs = bed.own_rootfs()
        for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
            folder.chmod(0o755)  # a user namespace's root is nobody out here
        self.null = os.open("/dev/null", os.O_RDWR)
        self.end = time.monotonic() + SPENT_S
        self.failed = False
        self.ran = self.refused = 0

    def over(self) -> bool:
        """Whether time is up; not before there was something to see, on a machine however slow."""
        enough = self.ran > LEAST and self.refused > LEAST
        return not self.failed and enough and time.monotonic() > self.end

    def document(self, changes: dict[str, Any], kinds: list[dict[str, Any]]) -> dict[str, Any]:
        document = self.bed.config(["true"])
        del document["hostname"]
        document["root"]["path"] = str(self.rootfs)
        document["linux"]["namespaces"] = kinds
        if {"type": "user"} in kinds:
            document["linux"].update(uidMappings=MAPPINGS, gidMappings=MAPPINGS)
        for path, value in changes.items():
            edit(document, path, value)
        return document

    def attempt(self, document: dict[str, Any]) -> None:
        """Create, start, wait, delete, as far as it goes."""
        self.failed = True
        self.bed.notes.clear()
        before = self.surroundings()
        name = self.bed.new_id()
        bundle = self.bed.write(document)
        try:
            with no_longer_than(HANGS_S):
                container = self.bed.runtime.create(name, str(bundle), stdio=Stdio(self.null, self.null, self.null))
            self.live(container)
            self.ran += 1
        except RungError as error:
            assert str(error).isprintable(), repr(str(error))
            assert not getattr(error, "__notes__", []), error.__notes__
            self.refused += 1
        assert all(note.isprintable() for note in self.bed.notes), self.bed.notes
        after = self.surroundings()
        assert not {name: (before[name], after[name]) for name in before if before[name] != after[name]}
        (bundle / "config.json").unlink()
        bundle.rmdir()
        self.failed = False

    def live(self, container: Any) -> None:
        pid = container.pid
        try:
            with no_longer_than(HANGS_S):
                container.start()
                try:
                    ended_within(pid, 2)
                except AssertionError:  # under a filter of nonsense a program may well go in circles
                    container.kill(9)
                ended_within(pid)
        finally:
            try:
                with no_longer_than(HANGS_S):
                    container.delete(force=True)
            except ContainerNotFound:  # poststart has failed: it is deleted
                pass
            finally:
                reap(pid)

    def surroundings(self) -> dict[str, Any]:
        """What must be the same after as before."""
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = file.read()
        here = str(self.bed.folder)
        return {
            "children": children,
            "state": sorted(os.listdir(self.bed.state)) if self.bed.state.exists() else [],
            "cgroups": self.bed.left(),
            "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if here in line],
            "descriptors": len(os.listdir("/proc/self/fd")),
        }


@pytest.fixture
def trials(bed) -> Iterator[Trials]:
    made = Trials(bed)
    yield made
    os.close(made.null)


@settings(max_examples=int(60 * SPENT_S), deadline=None, suppress_health_check=list(HealthCheck))
@given(edits(4), namespaces(("mount", "pid")))
def run(trials, changes, kinds):
    if not trials.over():
        trials.attempt(trials.document(changes, kinds))


def test_configurations_are_executed_or_refused(trials):
    run(trials)
    assert trials.ran > LEAST
    assert trials.refused > LEAST


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def scribble(trials, text):
    trials.failed = True
    bundle = trials.bed.write(text)
    with pytest.raises(RungError) as error:
        trials.bed.runtime.create(trials.bed.new_id(), str(bundle))
    assert str(error.value).isprintable()


def test_what_is_no_configuration(trials):
    scribble(trials)
