"""Making, entering, emptying and removing cgroups of the real kernel."""

import os
import signal
from pathlib import Path

import pytest

from rung.runtime.cgroup import Cgroup, CgroupError, hierarchies, locate
from rung.runtime.cgroup.processes import pids_in


def test_in_every_hierarchy_and_gone_from_every_one(group, mode):
    assert not group.exists()
    group.create()
    assert all(os.path.isdir(directory) for directory in group.directories)
    if mode == "v2":
        assert list(group.paths) == [""]
    else:
        assert set(group.paths) >= {"cpu", "memory", "devices", "pids", "freezer"}
    group.remove()
    assert not any(os.path.exists(directory) for directory in group.directories)


def test_parents_are_made_and_removed_by_who_made_them(name):
    found = hierarchies()
    group = Cgroup(locate(found, f"/{name}/a/b", name))
    group.create()
    group.remove()
    tops = {*found.v1.values(), found.v2} - {""}
    assert not [top for top in tops if os.path.exists(f"{top}/{name}")]


def test_a_process_enters_them_all(group, worker):
    group.create()
    one = worker(group)
    assert group.pids() == [one.pid]
    assert all(pids_in(directory, recursive=False) == [one.pid] for directory in group.directories)
    own = hierarchies(one.pid).own
    assert {controller: own[controller] for controller in group.paths} == group.paths


def test_processes_in_sub_cgroups_count(group, worker):
    group.create()
    below = Cgroup({name: f"{directory}/sub" for name, directory in group.paths.items()})
    below.create()
    one = worker(below)
    assert group.pids() == [one.pid]
    assert group.pids(recursive=False) == []
    assert group.join_paths("sub") == below.directories


def test_kill_takes_the_whole_family(group, worker):
    group.create()
    one = worker(group)
    assert one.do("fork 5") == "ok"
    assert len(group.pids()) == 6
    group.kill()
    assert one.process.wait(timeout=60) == -signal.SIGKILL
    group.remove()
    assert not group.exists()


def test_other_signals_too(group, worker):
    group.create()
    one = worker(group)
    assert one.do("fork 1") == "ok"
    group.kill(signal.SIGTERM)
    assert one.process.wait(timeout=60) == -signal.SIGTERM
    assert not group.frozen()


def test_kill_of_nothing(group):
    group.kill()
    group.create()
    group.kill()
    group.kill(signal.SIGTERM)


def test_remove_waits_for_the_dying_and_takes_sub_cgroups_along(group, worker):
    group.create()
    for controller, directory in group.paths.items():
        if controller in ("", "pids", "freezer"):
            os.makedirs(f"{directory}/a/b")
    one = worker(group)
    assert one.do("fork 20") == "ok"
    group.kill()
    group.remove()
    assert not group.exists()


def test_remove_with_a_process_that_lives_is_an_error_in_time(group, worker):
    group.create()
    one = worker(group)
    with pytest.raises(CgroupError, match=f"processes are still in it: {one.pid}"):
        group.remove(timeout_s=0.05)


def test_a_cgroup_in_use_is_refused_and_untouched(group, worker):
    group.create()
    one = worker(group)
    second = Cgroup(group.paths)
    with pytest.raises(CgroupError, match=f"1 processes are in it, the first is {one.pid}"):
        second.create()
    second.remove()
    assert group.pids() == [one.pid]


def test_an_empty_one_that_is_there_is_used(group):
    group.create()
    second = Cgroup(group.paths)
    second.create()
    assert second.made == []


def test_what_was_made_is_taken_back(group, mode):
    top = Path(group.directories[-1]).parent
    broken = dict(group.paths)
    broken["name=none"] = f"{top}/cgroup.procs/x"
    second = Cgroup(broken)
    with pytest.raises(CgroupError):
        second.create()
    assert not group.exists()


def test_a_hundred_leave_nothing(name):
    found = hierarchies()
    open_before = len(os.listdir("/proc/self/fd"))
    for turn in range(100):
        group = Cgroup(locate(found, f"/{name}-{turn}", name))
        group.create()
        group.apply({"devices": [{"allow": False, "access": "rwm"}]})
        group.remove()
    tops = {*found.v1.values(), found.v2} - {""}
    assert not [entry for top in tops for entry in os.listdir(top) if entry.startswith(name)]
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_cgroup_kill_of_v2(unified, worker):
    unified.create()
    one = worker(unified)
    assert one.do("fork 3") == "ok"
    unified.kill()
    assert one.process.wait(timeout=60) == -signal.SIGKILL
    unified.remove()


def test_ownership_on_v2(unified):
    unified.create()
    unified.give_to(12345, 12346)
    directory = Path(unified.paths[""])
    for path in (directory, directory / "cgroup.procs", directory / "cgroup.subtree_control"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)
    assert (directory / "cgroup.events").stat().st_uid == 0


def test_cpus_can_be_named_below_a_new_parent(group, name):
    inner = Cgroup({key: f"{path}/inner" for key, path in group.paths.items()})
    inner.create({"cpu": {"cpus": "0"}})
    inner.apply({"cpu": {"cpus": "0"}})
    cpuset = inner.paths.get("cpuset", inner.paths.get(""))
    assert Path(cpuset, "cpuset.cpus").read_text().strip() == "0"
    inner.remove()
