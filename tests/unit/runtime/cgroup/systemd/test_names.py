from __future__ import annotations

import pytest

from rung.runtime.cgroup import CgroupError, Hierarchies
from rung.runtime.cgroup.systemd.names import SUBGROUP, Unit, locate_unit, slice_path, subgroup, unit_of

V2 = Hierarchies("v2", {}, "/sys/fs/cgroup")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("system.slice", "/system.slice"),
        ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"),
        ("-.slice", ""),
    ],
)
def test_a_slice_lies_where_its_name_says(name: str, path: str) -> None:
    assert slice_path(name) == path


@pytest.mark.parametrize("name", ["", ".slice", "a", "a/b.slice", "a--b.slice", "-a.slice", "a-.slice", "--.slice", "-"])
def test_what_names_no_slice_is_refused(name: str) -> None:
    with pytest.raises(CgroupError, match="slice"):
        slice_path(name)


@pytest.mark.parametrize(
    ("path", "user", "unit"),
    [
        ("machine.slice:docker:abc", False, Unit("docker-abc.scope", "machine.slice")),
        (":cri:abc", False, Unit("cri-abc.scope", "system.slice")),
        (":cri:abc", True, Unit("cri-abc.scope", "user.slice", True)),
        ("a-b.slice::x", False, Unit("x.scope", "a-b.slice")),
        ("a.slice:p:a-b.slice", False, Unit("a-b.slice", "a.slice")),
        (None, False, Unit("rung-web.scope", "system.slice")),
        ("", True, Unit("rung-web.scope", "user.slice", True)),
    ],
)
def test_the_path_names_slice_prefix_and_name(path: str | None, user: bool, unit: Unit) -> None:
    assert unit_of(path, "web", user=user) == unit


@pytest.mark.parametrize("path", ["/web", "a.slice:b", "a:b:c:d", "a:b:c", "a.slice:b:", "a.slice:b:../c", "a.slice:b/c:d"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(CgroupError):
        unit_of(path, "web", user=False)


def test_the_cgroup_lies_below_the_managers() -> None:
    unit = Unit("p-n.scope", "a-b.slice")
    assert locate_unit(V2, unit, "") == {"": "/sys/fs/cgroup/a.slice/a-b.slice/p-n.scope"}
    user = "/user.slice/user-1.slice/user@1.service"
    assert locate_unit(V2, unit, user) == {"": f"/sys/fs/cgroup{user}/a.slice/a-b.slice/p-n.scope"}
    hybrid = Hierarchies("hybrid", {"memory": "/c/memory", "name=systemd": "/c/systemd", "name=other": "/c/o"}, "/c/u")
    assert locate_unit(hybrid, Unit("a-b.slice", "a.slice"), "/") == {
        "memory": "/c/memory/a.slice/a-b.slice",
        "name=systemd": "/c/systemd/a.slice/a-b.slice",
        "": "/c/u/a.slice/a-b.slice",
    }


def test_an_annotation_names_a_cgroup_below_the_scope_where_all_is_v2() -> None:
    hybrid = Hierarchies("hybrid", {"memory": "/c/memory"}, "/c/u")
    assert [subgroup({SUBGROUP: name}, V2) for name in ("", "inner", "/a//b/")] == ["", "/inner", "/a/b"]
    assert subgroup({SUBGROUP: "inner"}, hybrid) == subgroup({}, V2) == ""
    unit = Unit("p-n.scope", "a.slice", below="/inner")
    assert locate_unit(V2, unit, "") == {"": "/sys/fs/cgroup/a.slice/p-n.scope/inner"}


@pytest.mark.parametrize("name", ["..", "a/../b", "/", "."])
def test_a_subgroup_lies_below(name: str) -> None:
    with pytest.raises(CgroupError, match="below the scope"):
        subgroup({SUBGROUP: name}, V2)
