from __future__ import annotations

from errno import EBUSY, EPERM

import pytest

from rung.runtime.cgroup import CgroupError
from rung.runtime.cgroup.below import below, beside_init
from rung.runtime.errors import CgroupNotEntered


@pytest.fixture
def paths(tmp_path):
    found = {"cpu": f"{tmp_path}/cpu", "cpuacct": f"{tmp_path}/cpu", "memory": f"{tmp_path}/memory", "": f"{tmp_path}/v2"}
    for name in ("cpu/sub", "memory/sub", "v2/sub"):
        (tmp_path / name).mkdir(parents=True)
    return found


def test_one_path_is_for_all_controllers(paths):
    assert below(paths, {"": "sub"}) == {name: f"{path}/sub" for name, path in paths.items()}
    assert below(paths, {"": "/"}) == paths


def test_a_path_that_some_hierarchies_lack_is_entered_in_the_others(paths, tmp_path):
    (tmp_path / "memory/sub").rmdir()
    assert below(paths, {"": "sub"}) == {**{name: f"{path}/sub" for name, path in paths.items()}, "memory": paths["memory"]}


def test_controllers_go_apart_but_those_mounted_together(paths):
    found = below(paths, {"cpu": "sub"})
    assert found == {**paths, "cpu": f"{paths['cpu']}/sub", "cpuacct": f"{paths['cpu']}/sub"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"": ".."}, "bad sub cgroup path"),
        ({"": "sub/../../x"}, "bad sub cgroup path"),
        ({"cpu": "none"}, "adding pid 0 to cgroups .*/none: No such file"),
        ({"": "none"}, "adding pid 0 to cgroups .*/none: No such file"),
        ({"what": "/"}, "unknown controller what"),
    ],
)
def test_what_cannot_be_entered_is_refused(paths, wanted, said):
    with pytest.raises(CgroupError, match=said):
        below(paths, wanted)


def test_a_named_cgroup_has_no_other_in_its_place():
    with pytest.raises(CgroupError, match=r"adding pid 0 to cgroups /c: Device or resource busy"):
        beside_init(CgroupNotEntered("", "", "", EBUSY), {"": "/c"}, 1, named=True)


@pytest.mark.parametrize(("number", "paths"), [(EPERM, {"": "/c"}), (EBUSY, {"": "/c", "cpu": "/d"})])
def test_other_failures_stay_what_they_are(number, paths):
    failed = CgroupNotEntered("", "", "", number)
    with pytest.raises(CgroupNotEntered) as raised:
        beside_init(failed, paths, 1, named=False)
    assert raised.value is failed
