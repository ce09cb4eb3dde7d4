"""A container's cgroups on a fake tree: what is made, enabled, taken back and refused."""

import errno
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import rung.runtime.cgroup as package
from rung.runtime.cgroup import Cgroup, CgroupError
from rung.runtime.cgroup.processes import kill, pids_in


@pytest.fixture
def v2(tmp_path):
    """A v2 mount with two controllers, below a directory that is none."""
    top = tmp_path / "cgroup"
    level(top, controllers="cpu memory")
    return top


def level(directory, controllers="", subtree="", procs="", **files):
    """A cgroup directory as the kernel would have filled it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cgroup.controllers").write_text(controllers + "\n")
    (directory / "cgroup.subtree_control").write_text(subtree + "\n" if subtree else "")
    (directory / "cgroup.procs").write_text(procs)
    for name, content in files.items():
        (directory / name.replace("__", ".")).write_text(content)
    return directory


def test_create_makes_what_is_missing_and_remove_takes_it_away(tmp_path):
    group = Cgroup(
        {"cpu": f"{tmp_path}/cpu/a/b", "cpuacct": f"{tmp_path}/cpu/a/b", "pids": f"{tmp_path}/pids/b"}
    )
    (tmp_path / "cpu").mkdir()
    (tmp_path / "pids").mkdir()
    group.create()
    assert group.made == [f"{tmp_path}/cpu/a", f"{tmp_path}/cpu/a/b", f"{tmp_path}/pids/b"]
    assert group.join_paths() == [f"{tmp_path}/cpu/a/b", f"{tmp_path}/pids/b"]
    assert group.exists()
    group.remove()
    assert sorted(str(p) for p in tmp_path.rglob("*")) == [f"{tmp_path}/cpu", f"{tmp_path}/pids"]
    assert not group.exists()
    group.remove()


def test_who_only_knows_the_paths_leaves_the_parents(tmp_path):
    paths = {"cpu": f"{tmp_path}/docker/abc"}
    Cgroup(paths).create()
    Cgroup(paths).remove()
    assert (tmp_path / "docker").is_dir()
    assert not (tmp_path / "docker/abc").exists()


def test_a_parent_that_others_use_stays(tmp_path):
    group = Cgroup({"cpu": f"{tmp_path}/kube/pod"})
    group.create()
    (tmp_path / "kube/other").mkdir()
    group.remove()
    assert [p.name for p in (tmp_path / "kube").iterdir()] == ["other"]


def test_what_was_made_is_taken_back_when_a_later_one_fails(tmp_path):
    (tmp_path / "file").touch()
    group = Cgroup({"cpu": f"{tmp_path}/cpu/a", "pids": f"{tmp_path}/file/a"})
    with pytest.raises(CgroupError, match="unable to apply cgroup configuration: .*not a directory"):
        group.create()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_cgroup_with_processes_is_refused_and_left_alone(v2):
    theirs = level(v2 / "theirs", procs="17\n18\n", cgroup__freeze="0\n")
    (theirs / "sub").mkdir()
    group = Cgroup({"": str(theirs)})
    with pytest.raises(CgroupError, match="2 processes are in it, the first is 17"):
        group.create()
    group.remove()
    assert (theirs / "sub").is_dir()


def test_a_frozen_cgroup_is_refused(v2):
    level(v2 / "cold", cgroup__freeze="1\n")
    with pytest.raises(CgroupError, match="container's cgroup unexpectedly frozen"):
        Cgroup({"": str(v2 / "cold")}).create()


def test_controllers_are_enabled_from_the_top_down_to_the_parent(v2):
    middle = level(v2 / "a", controllers="cpu memory", subtree="cpu")
    leaf = level(v2 / "a/b", controllers="cpu")
    Cgroup({"": str(leaf)}).create()
    assert (v2 / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (middle / "cgroup.subtree_control").read_text().startswith("+memory")
    assert (leaf / "cgroup.subtree_control").read_text() == ""


def test_the_top_comes_first(v2, monkeypatch):
    level(v2 / "a", controllers="cpu")
    level(v2 / "a/b", controllers="cpu")
    order = []
    monkeypatch.setattr("rung.runtime.cgroup.delegate.write", lambda path, value: order.append((path, value)))
    Cgroup({"": f"{v2}/a/b/c"}).create()
    assert order == [
        (f"{v2}/cgroup.subtree_control", "+cpu +memory"),
        (f"{v2}/a/cgroup.subtree_control", "+cpu"),
        (f"{v2}/a/b/cgroup.subtree_control", "+cpu"),
    ]


def test_controllers_that_cannot_be_given_are_passed_over(v2, monkeypatch):
    tried = []

    def write(_path, value):
        tried.append(value)
        if "memory" in value:
            raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr("rung.runtime.cgroup.delegate.write", write)
    Cgroup({"": f"{v2}/a"}).create()
    assert tried == ["+cpu +memory", "+cpu", "+memory"]


def test_nothing_is_written_where_all_is_enabled(v2):
    (v2 / "cgroup.subtree_control").write_text("cpu memory\n")
    os.utime(v2 / "cgroup.subtree_control", (1, 1))
    Cgroup({"": str(v2 / "a")}).create()
    assert (v2 / "cgroup.subtree_control").stat().st_mtime == 1


def test_below_processes_only_a_threaded_cgroup_can_be_entered(v2):
    leaf = level(v2 / "a/b", cgroup__type="domain invalid\n")
    level(v2 / "a")
    with pytest.raises(CgroupError, match="memory, block I/O and huge pages cannot be limited"):
        Cgroup({"": str(leaf)}).create({"memory": {"limit": 5}})
    Cgroup({"": str(leaf)}).create({"cpu": {"shares": 5}})
    assert (leaf / "cgroup.type").read_text().startswith("threaded")


def test_an_empty_cpuset_is_filled_from_above(tmp_path):
    sets = {"": ("0-3", "0"), "a": ("", ""), "a/b": ("", "")}
    for name, (cpus, mems) in sets.items():
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "cpuset.cpus").write_text(cpus)
        (tmp_path / name / "cpuset.mems").write_text(mems)
        (tmp_path / name / "cgroup.procs").touch()
    Cgroup({"cpuset": f"{tmp_path}/a/b"}).create({"cpu": {"cpus": "2"}})
    read = {name: (tmp_path / name / "cpuset.cpus").read_text() for name in sets}
    assert read == {"": "0-3", "a": "0-3", "a/b": "2"}  # the kernel refuses it below an empty one
    assert (tmp_path / "a/cpuset.mems").read_text() == "0"
    assert (tmp_path / "a/b/cpuset.mems").read_text() == "0"


def test_join_paths_of_a_sub_cgroup_stay_below(tmp_path):
    group = Cgroup({"": "/c/x"})
    assert group.join_paths("sub/leaf") == ["/c/x/sub/leaf"]
    assert group.join_paths("../../etc") == ["/c/x/etc"]
    assert group.join_paths("/") == ["/c/x"]


def test_pids_of_a_tree(v2):
    level(v2 / "a", procs="1\n2\n")
    level(v2 / "a/b", procs="3\n")
    group = Cgroup({"": str(v2 / "a")})
    assert group.pids() == [1, 2, 3]
    assert group.pids(recursive=False) == [1, 2]
    assert Cgroup({"": str(v2 / "gone")}).pids() == []
    assert Cgroup({}).pids() == []


def test_listing_something_that_is_no_cgroup(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CgroupError, match="list the processes"):
        pids_in(f"{tmp_path}/file", recursive=True)


def test_limits_of_a_fake_v2_cgroup(v2):
    leaf = level(v2 / "a", memory__max="", cpu__max="", pids__max="", memory__swap__max="")
    group = Cgroup({"": str(leaf)})
    group.apply(
        {"memory": {"limit": 512, "swap": 512}, "cpu": {"quota": 5000}, "pids": {"limit": 9}}, update=True
    )
    read = {
        name: (leaf / name).read_text() for name in ("memory.max", "memory.swap.max", "cpu.max", "pids.max")
    }
    assert read == {"memory.max": "512", "memory.swap.max": "0", "cpu.max": "5000 100000", "pids.max": "9"}


def test_an_update_that_is_below_what_is_used(v2):
    leaf = level(v2 / "a", memory__max="", memory__current="1000\n")
    with pytest.raises(CgroupError, match="1000 bytes are in use"):
        Cgroup({"": str(leaf)}).apply({"memory": {"limit": 9, "checkBeforeUpdate": True}}, update=True)
    assert (leaf / "memory.max").read_text() == ""


def test_a_hybrid_host_enables_the_v2_controller_that_a_limit_needs(v2, tmp_path):
    (v2 / "cgroup.controllers").write_text("hugetlb misc\n")
    leaf = level(v2 / "a", hugetlb__2MB__max="")
    group = Cgroup({"pids": str(tmp_path), "": str(leaf)})
    group.apply({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}, update=True)
    assert (v2 / "cgroup.subtree_control").read_text() == "+hugetlb"
    assert (leaf / "hugetlb.2MB.max").read_text() == "0"


def test_freezing_that_does_not_end_is_undone(v2):
    leaf = level(v2 / "a", cgroup__freeze="0", cgroup__events="populated 1\nfrozen 0\n")
    with pytest.raises(CgroupError, match=r"not all processes stopped within 0\.01 s"):
        Cgroup({"": str(leaf)}).freeze(timeout_s=0.01)
    assert (leaf / "cgroup.freeze").read_text() == "0"


def test_freezing_v1_that_does_not_end_is_undone(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("rung.runtime.cgroup.freezer.write", lambda _path, value: written.append(value))
    monkeypatch.setattr("rung.runtime.cgroup.freezer.read_line", lambda _path: "FREEZING")
    with pytest.raises(CgroupError, match="not all processes stopped"):
        Cgroup({"freezer": str(tmp_path)}).freeze(timeout_s=0.05)
    assert written.count("FROZEN") > 50
    assert written[-1] == "THAWED"


def test_none_can_fork_between_listing_and_signalling(monkeypatch):
    told = []
    monkeypatch.setattr("rung.posix.kill", lambda pid, signal: told.append((pid, signal)))

    class Group:
        paths = {"freezer": "/c"}
        v2_only = False
        pids = staticmethod(lambda: [7, 8])
        frozen = staticmethod(lambda: False)
        freeze = staticmethod(lambda: told.append("freeze"))
        thaw = staticmethod(lambda: told.append("thaw"))

    kill(Group(), 15)
    assert told == ["freeze", (7, 15), (8, 15), "thaw"]


def test_late_settings(v2):
    leaf = level(v2 / "a", pids__max="")
    group = Cgroup({"": str(leaf)})
    group.apply_late({"pids": {"limit": 1}})
    assert (leaf / "pids.max").read_text() == "1"


def test_ownership_goes_to_the_files_that_may_be_given(v2, monkeypatch):
    given = []
    monkeypatch.setattr("rung.runtime.cgroup.delegate.chown", lambda path, *ids: given.append((path, *ids)))
    Cgroup({"": "/c/x", "cpu": "/c/cpu/x"}).give_to(1000, 1001)
    assert given[0] == ("/c/x", 1000, 1001)
    assert ("/c/x/cgroup.procs", 1000, 1001) in given
    assert not [path for path, *_ in given if not path.startswith("/c/x")]
    given.clear()
    Cgroup({"cpu": "/c/cpu/x"}).give_to(1000)
    assert given == []


def test_devices_need_one_of_the_two():
    with pytest.raises(CgroupError, match="neither the devices controller nor cgroup v2"):
        Cgroup({"cpu": "/c/cpu"}).apply({"devices": [{"allow": False, "access": "rwm"}]})


def test_every_public_name_is_there():
    for name in package.__all__:
        assert not isinstance(getattr(package, name), types.ModuleType)
    with pytest.raises(AttributeError):
        package.nothing_like_it  # noqa: B018


def test_what_a_plain_start_imports():
    source = Path(package.__file__).parents[3]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import rung.runtime.cgroup as c; c.Cgroup({}).create();"
        "print(*sorted(sys.modules))"
    )
    command = [sys.executable, "-I", "-S", "-c", code, source]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    slow = {
        "json",
        "typing",
        "dataclasses",
        "enum",
        "re",
        "subprocess",
        "pathlib",
        "ctypes",
        "select",
        "importlib",
    }
    assert not loaded & slow
    ours = {
        name.removeprefix("rung.runtime.cgroup.")
        for name in loaded
        if name.startswith("rung.runtime.cgroup.")
    }
    assert ours == {"errors", "files", "group", "hierarchy", "limits"}
