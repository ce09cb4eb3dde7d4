"""The census sees what is left: each kind of thing, really left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import census

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Callable[[], dict[str, list[str]]]]:
    """What there is more of than when the test began."""
    census.adopt_orphans()
    before = census.take([tmp_path], tmp_path)
    yield lambda: census.take([tmp_path], tmp_path).more_than(before)
    assert census.settle(before, [tmp_path], tmp_path) == {}
    census.adopt_orphans(False)


def test_an_orphan(left: Callable[[], dict[str, list[str]]]) -> None:
    script = "sleep 100 >/dev/null 2>&1 & echo $!"
    pid = int(subprocess.run(["/bin/sh", "-c", script], stdout=subprocess.PIPE, check=True).stdout)
    (process,) = left()["processes"]
    assert process.split()[0] == str(pid)
    os.kill(pid, signal.SIGKILL)


def test_files_and_descriptors(left: Callable[[], dict[str, list[str]]], tmp_path: Path) -> None:
    path = tmp_path / "a/b"
    path.parent.mkdir()
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    assert left() == {"files": [str(path.parent), str(path)], "descriptors": [f"{fd} {path}"]}
    os.close(fd)
    path.unlink()
    path.parent.rmdir()


@needs_root
def test_a_mount(left: Callable[[], dict[str, list[str]]], tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "census", tmp_path], check=True)
    try:
        (mount,) = left()["mounts"]
        assert mount.split()[1:] == [str(tmp_path), "tmpfs"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@needs_root
def test_a_cgroup(left: Callable[[], dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNG_TEST_NEIGHBOURS", raising=False)
    roots = [mount.split()[1] for mount in census.take([], Path("/")).mounts if mount.split()[2] == "cgroup2"]
    if not roots:
        pytest.skip("no cgroup2 is mounted")
    group = Path(roots[0], f"census-{os.getpid()}")
    group.mkdir()
    try:
        assert str(group) in left()["cgroups"]
    finally:
        group.rmdir()
