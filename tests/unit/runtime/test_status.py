"""A container's status while another command makes it, over records in a directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung import posix
from rung.runtime import state
from rung.runtime.container import Container
from rung.runtime.state import Directory, Facts
from rung.trace import Trace


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "c1").mkdir()
    found = Directory(str(tmp_path), "c1")
    found.save(Facts("c1", "/bundle", "/bundle/rootfs", "2026-01-01T00:00:00Z", {}, {}))
    return found


def of(directory: Directory) -> Container:
    return Container(directory, Trace(), lambda _: None)


def test_a_record_without_an_init_is_of_one_who_is_creating_it_or_of_one_who_died(directory: Directory) -> None:
    assert of(directory).status == "stopped"
    with directory.lock():
        assert of(directory).status == "creating"


def test_one_whose_creation_ends_between_two_looks_is_created(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is read without an init; then create writes it and lets the lock go; then the lock is asked for."""

    def ended(self: Directory) -> bool:
        pid = posix.getpid()
        self.save(Facts("c1", "/bundle", "/bundle/rootfs", "", {}, {}, pid, state.start_time(pid)[1]))
        Path(self.file("exec.fifo")).touch()
        return False

    monkeypatch.setattr(Directory, "being_created", ended)
    assert of(directory).status == "created"
