"""Which cgroups a caller without privilege is given, by what it may write to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rung.runtime.cgroup import reach
from rung.runtime.cgroup.hierarchy import Hierarchies


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two v1 trees and v2's; what may be written to is what the owner may, also where root asks."""
    for name in ("pids/mine", "cpu/other", "two/slice/mine", "two/elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    for directory in (tmp_path, *tmp_path.rglob("*")):
        (directory / "cgroup.procs").touch()
    for place in ("cpu", "cpu/other", "two", "two/elsewhere"):
        (tmp_path / place).chmod(0o555)
        (tmp_path / place / "cgroup.procs").chmod(0o444)

    def access(path: str, mode: int, **_: object) -> bool:
        try:
            return os.stat(path).st_mode & mode << 6 == mode << 6
        except FileNotFoundError:
            return False

    monkeypatch.setattr(reach, "access", access)
    return tmp_path


def found(host: Path, v2: str) -> Hierarchies:
    points = {"pids": str(host / "pids"), "cpu": str(host / "cpu")}
    own = {"pids": str(host / "pids/mine"), "cpu": str(host / "cpu/other"), "": str(host / v2)}
    return Hierarchies("hybrid", points, str(host / "two"), own)


def test_what_is_not_the_callers_is_left_out(host: Path) -> None:
    assert reach.within_reach(found(host, "two/elsewhere"), None, "x") == {"pids": str(host / "pids/mine/x")}


def test_a_cgroup_of_somebody_elses_that_is_there_is_left_out(host: Path) -> None:
    (host / "pids/mine/x").mkdir()
    assert reach.within_reach(found(host, "two/elsewhere"), None, "x") == {}
    (host / "pids/mine/x/tasks").touch()
    assert reach.within_reach(found(host, "two/elsewhere"), None, "x") == {"pids": str(host / "pids/mine/x")}


def test_on_v2_processes_are_moved_only_below_a_cgroup_that_is_the_callers(host: Path) -> None:
    """The container's would be the caller's to make; the process could not leave where it is."""
    places = reach.within_reach(found(host, "two/slice/mine"), None, "x")
    assert places[""] == str(host / "two/slice/mine/x")
    (host / "two/slice/mine/cgroup.procs").chmod(0o444)
    assert "" not in reach.within_reach(found(host, "two/slice/mine"), None, "x")


def test_a_path_that_is_asked_for_is_not_questioned(host: Path) -> None:
    places = reach.within_reach(found(host, "two"), "/a/b", "x")
    assert set(places) == {"pids", "cpu", ""}
