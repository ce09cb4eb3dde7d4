"""Which hierarchies there are and where a container's cgroups go, from texts alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.hierarchy import Hierarchies, hierarchies, locate, parse

V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n"
)
V1_OWN = "4:memory:/user\n3:cpu,cpuacct:/\n1:name=systemd:/user/session\n"
HYBRID_MOUNT = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"


def test_v2():
    found = parse("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + V2_MOUNT, "0::/user.slice/a.scope\n")
    own = {"": "/sys/fs/cgroup/user.slice/a.scope"}
    assert found == Hierarchies("v2", {}, "/sys/fs/cgroup", own)


def test_v1_with_controllers_that_share_a_mount():
    found = parse(V1_MOUNTS, V1_OWN)
    assert found.mode == "v1"
    assert found.v2 == ""
    assert found.v1 == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
        "name=systemd": "/sys/fs/cgroup/systemd",
    }
    assert found.own["memory"] == "/sys/fs/cgroup/memory/user"
    assert found.own["cpu"] == "/sys/fs/cgroup/cpu,cpuacct"


def test_hybrid():
    found = parse(V1_MOUNTS + HYBRID_MOUNT, V1_OWN + "0::/\n")
    assert (found.mode, found.v2) == ("hybrid", "/sys/fs/cgroup/unified")
    assert set(found.v1) == {"cpu", "cpuacct", "memory", "name=systemd"}


def test_the_mount_below_sys_fs_cgroup_counts_and_else_the_first():
    elsewhere = "50 1 0:32 / /mnt/one rw - cgroup cgroup rw,memory\n"
    second = "51 1 0:32 / /mnt/two rw - cgroup cgroup rw,memory\n"
    own = "4:memory:/\n"
    assert parse(elsewhere + V1_MOUNTS, V1_OWN).v1["memory"] == "/sys/fs/cgroup/memory"
    assert parse(V1_MOUNTS + elsewhere, V1_OWN).v1["memory"] == "/sys/fs/cgroup/memory"
    assert parse(elsewhere + second, own).v1 == {"memory": "/mnt/one"}


def test_mount_points_are_unescaped():
    mount = r"50 1 0:32 / /mnt/a\040b\134c rw - cgroup2 cgroup2 rw" + "\n"
    assert parse(mount, "0::/\n").v2 == r"/mnt/a b\c"


@pytest.mark.parametrize(
    ("root", "path", "own"),
    [
        ("/docker/abc", "/docker/abc/sub", "/sys/fs/cgroup/sub"),  # a subtree mounted, no namespace
        ("/docker/abc", "/docker/abc", "/sys/fs/cgroup"),
        ("/docker/abc", "/docker/abcdef", "/sys/fs/cgroup"),  # not in what is mounted
        ("/", "/../other", "/sys/fs/cgroup"),  # outside of the cgroup namespace
        ("/", "/", "/sys/fs/cgroup"),
    ],
)
def test_own_cgroup_where_a_subtree_is_mounted(root, path, own):
    mount = f"30 23 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    assert parse(mount, f"0::{path}\n").own == {"": own}


def test_no_cgroups_at_all():
    with pytest.raises(CgroupError, match="no cgroup file system is mounted"):
        parse("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "0::/\n")


def test_reading_this_host():
    found = hierarchies()
    assert found.mode in ("v1", "v2", "hybrid")
    assert set(found.own) >= set(found.v1)


HYBRID = Hierarchies(
    "hybrid",
    {"cpu": "/c/cpu", "memory": "/c/memory", "name=systemd": "/c/systemd", "name=other": "/c/other"},
    "/c/unified",
    {"cpu": "/c/cpu", "memory": "/c/memory/me", "name=systemd": "/c/systemd", "": "/c/unified"},
)
V2 = Hierarchies("v2", {}, "/c", {"": "/c/user/me.scope"})


def test_absolute_paths_lie_below_every_mount_point():
    assert locate(HYBRID, "/kube/pod1", "x") == {
        "cpu": "/c/cpu/kube/pod1",
        "memory": "/c/memory/kube/pod1",
        "name=systemd": "/c/systemd/kube/pod1",
        "": "/c/unified/kube/pod1",
    }
    assert locate(V2, "/kube/pod1", "x") == {"": "/c/kube/pod1"}


def test_relative_paths_lie_below_the_runtimes_own_cgroup():
    assert locate(HYBRID, "a/b", "x")["memory"] == "/c/memory/me/a/b"
    assert locate(HYBRID, "a/b", "x")["cpu"] == "/c/cpu/a/b"


def test_on_v2_beside_the_runtimes_own_cgroup_which_has_processes():
    assert locate(V2, "a/b", "x") == {"": "/c/user/a/b"}
    assert locate(V2.replace(own={"": "/c"}), "a/b", "x") == {"": "/c/a/b"}


def test_without_a_path_the_id_serves():
    assert locate(HYBRID, None, "web")["memory"] == "/c/memory/web"
    assert locate(HYBRID, "", "web")[""] == "/c/unified/web"
    assert locate(V2, None, "web") == {"": "/c/user/web"}


@pytest.mark.parametrize("path", ["/", "//", "/..", ".", "../..", "/a/.."])
def test_the_root_cgroup_is_refused(path):
    with pytest.raises(CgroupError, match="root cgroup"):
        locate(V2, path, "x")


def test_nul_is_refused():
    with pytest.raises(CgroupError, match="NUL"):
        locate(V2, "/a\0b", "x")


@given(st.lists(st.sampled_from(["..", ".", "a", "", "b c", "..."])).map("/".join), st.booleans())
def test_nothing_climbs_out(path, absolute):
    path = "/" + path if absolute else path
    try:
        places = locate(HYBRID, path, "id")
    except CgroupError:
        return
    for controller, place in places.items():
        top = HYBRID.v1.get(controller, HYBRID.v2)
        assert place.startswith(top + "/")
        assert not {"", ".", ".."} & set(place.removeprefix(top + "/").split("/"))
