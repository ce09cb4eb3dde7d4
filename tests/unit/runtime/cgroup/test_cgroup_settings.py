"""Every resource of the specification as writes, on v1 and on v2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.cgroup.controllers.blkio import io_weight
from rung.runtime.cgroup.controllers.cpu import weight_of_shares
from rung.runtime.cgroup.controllers.memory import check_before_update, swap_on_v2
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.limits import late_settings, settings

V1 = (
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "devices",
    "pids",
    "blkio",
    "hugetlb",
    "net_cls",
    "net_prio",
    "rdma",
)
V2 = ("",)


def written(resources, controllers, **more):
    return [f"{w.file}={w.value}" for w in settings(resources, controllers, **more)]


BOTH_FORMS = [
    (
        {"memory": {"limit": 100, "swap": 150, "reservation": 50}},
        ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=150", "memory.soft_limit_in_bytes=50"],
        ["memory.swap.max=50", "memory.max=100", "memory.low=50"],
    ),
    (
        {"memory": {"limit": -1}},
        ["memory.memsw.limit_in_bytes=-1", "memory.limit_in_bytes=-1"],
        ["memory.swap.max=max", "memory.max=max"],
    ),
    (
        {"memory": {"limit": 100, "swap": -1}},
        ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=-1"],
        ["memory.swap.max=max", "memory.max=100"],
    ),
    (
        {"memory": {"limit": 100, "swap": 100}},
        ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
        ["memory.swap.max=0", "memory.max=100"],
    ),
    ({"memory": {"reservation": -1}}, ["memory.soft_limit_in_bytes=-1"], ["memory.low=max"]),
    ({"memory": {"limit": 0, "swap": 0, "kernel": 5, "kernelTCP": 6, "useHierarchy": True}}, [], []),
    ({"memory": {"disableOOMKiller": False}}, [], []),
    ({"memory": {}}, [], []),
    ({"cpu": {"shares": 1024}}, ["cpu.shares=1024"], ["cpu.weight=100"]),
    ({"cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0}}, [], []),
    (
        {"cpu": {"quota": 5000, "period": 10000, "burst": 100}},
        ["cpu.cfs_period_us=10000", "cpu.cfs_burst_us=100", "cpu.cfs_quota_us=5000"],
        ["cpu.max.burst=100", "cpu.max=5000 10000"],
    ),
    ({"cpu": {"quota": -1}}, ["cpu.cfs_quota_us=-1"], ["cpu.max=max 100000"]),
    ({"cpu": {"period": 50000}}, ["cpu.cfs_period_us=50000"], ["cpu.max=max 50000"]),
    ({"cpu": {"idle": 1, "shares": 512}}, ["cpu.idle=1"], ["cpu.idle=1"]),
    ({"cpu": {"idle": 0, "shares": 2}}, ["cpu.idle=0", "cpu.shares=2"], ["cpu.idle=0", "cpu.weight=1"]),
    (
        {"cpu": {"cpus": "0-1", "mems": "0"}},
        ["cpuset.cpus=0-1", "cpuset.mems=0"],
        ["cpuset.cpus=0-1", "cpuset.mems=0"],
    ),
    ({"cpu": {"cpus": "", "mems": ""}}, [], []),
    ({"pids": {"limit": 10}}, ["pids.max=10"], ["pids.max=10"]),
    ({"pids": {"limit": -1}}, ["pids.max=max"], ["pids.max=max"]),
    ({"pids": {}}, [], []),
    ({"blockIO": {"weight": 500}}, ["blkio.weight=500"], ["io.bfq.weight=500"]),
    ({"blockIO": {"weight": 0, "weightDevice": []}}, [], []),
    (
        {"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 10}]}},
        ["blkio.weight_device=8:0 10"],
        ["io.bfq.weight=8:0 10"],
    ),
    (
        {
            "blockIO": {
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
                "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 700}],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 2, "rate": 800}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 3, "rate": 0}],
            }
        },
        [
            "blkio.throttle.read_bps_device=8:0 600",
            "blkio.throttle.write_bps_device=8:1 700",
            "blkio.throttle.read_iops_device=8:2 800",
            "blkio.throttle.write_iops_device=8:3 0",
        ],
        ["io.max=8:0 rbps=600", "io.max=8:1 wbps=700", "io.max=8:2 riops=800", "io.max=8:3 wiops=max"],
    ),
    (
        {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]},
        ["hugetlb.2MB.limit_in_bytes=4194304", "hugetlb.2MB.rsvd.limit_in_bytes=4194304"],
        ["hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304"],
    ),
    (
        {"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe3": {"hcaObjects": 0}}},
        ["rdma.max=mlx5_1 hca_handle=3 hca_object=10000", "rdma.max=rxe3 hca_object=0"],
        ["rdma.max=mlx5_1 hca_handle=3 hca_object=10000", "rdma.max=rxe3 hca_object=0"],
    ),
    ({"network": {"priorities": []}}, [], []),
    ({}, [], []),
]


@pytest.mark.parametrize(("resources", "v1", "v2"), BOTH_FORMS)
def test_both_forms(resources, v1, v2):
    assert written(resources, V1) == v1
    assert written(resources, V2) == v2


V1_ONLY = [
    ({"memory": {"swappiness": 60}}, ["memory.swappiness=60"]),
    ({"memory": {"disableOOMKiller": True}}, ["memory.oom_control=1"]),
    (
        {"cpu": {"realtimeRuntime": 950000, "realtimePeriod": 1000000}},
        ["cpu.rt_period_us=1000000", "cpu.rt_runtime_us=950000"],
    ),
    ({"blockIO": {"leafWeight": 300}}, ["blkio.leaf_weight=300"]),
    (
        {"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 300}]}},
        ["blkio.leaf_weight_device=8:0 300"],
    ),
    ({"network": {"classID": 1048577}}, ["net_cls.classid=1048577"]),
    ({"network": {"priorities": [{"name": "eth0", "priority": 500}]}}, ["net_prio.ifpriomap=eth0 500"]),
]


@pytest.mark.parametrize(("resources", "v1"), V1_ONLY)
def test_what_v2_has_nothing_like_is_an_error_there(resources, v1):
    assert written(resources, V1) == v1
    field = next(iter(next(iter(resources.values()))))
    with pytest.raises(CgroupError, match=field):
        settings(resources, V2)


LIMITS = [
    ({"memory": {"limit": 5}}, "memory"),
    ({"cpu": {"shares": 5}}, "cpu"),
    ({"cpu": {"cpus": "0"}}, "cpuset"),
    ({"pids": {"limit": 5}}, "pids"),
    ({"blockIO": {"weight": 50}}, "blkio"),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]}, "hugetlb"),
    ({"rdma": {"a": {"hcaObjects": 1}}}, "rdma"),
    ({"network": {"classID": 1}}, "net_cls"),
    ({"unified": {"memory.max": "1"}}, "cgroup v2"),
]


@pytest.mark.parametrize(("resources", "controller"), LIMITS)
def test_a_limit_without_its_controller_names_field_and_controller(resources, controller):
    with pytest.raises(CgroupError) as caught:
        settings(resources, ("freezer",))
    assert f"linux.resources.{next(iter(resources))}" in str(caught.value)
    assert controller in str(caught.value)


def test_nothing_asked_of_an_absent_controller_is_silent():
    nothing = {
        "memory": {"limit": 0},
        "cpu": {"shares": 0, "cpus": ""},
        "pids": {"limit": -1},
        "blockIO": {"weight": 0},
        "hugepageLimits": [],
        "rdma": {},
        "network": {"classID": 0},
        "unified": {},
    }
    assert settings(nothing, ("freezer",)) == []


def test_on_a_hybrid_host_each_controller_has_its_own_form():
    resources = {"memory": {"limit": 7}, "hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}
    writes = settings(resources, ("memory", ""))
    assert [(w.controller, w.file) for w in writes] == [
        ("memory", "memory.limit_in_bytes"),
        ("", "hugetlb.2MB.max"),
        ("", "hugetlb.2MB.rsvd.max"),
    ]


def test_unified_is_written_line_by_line_as_it_is():
    unified = {"io.max": "259:0 rbps=1\n253:0 wiops=2\n", "misc.max": "res_a 1"}
    assert written({"unified": unified}, V2) == [
        "io.max=259:0 rbps=1",
        "io.max=253:0 wiops=2",
        "misc.max=res_a 1",
    ]


@pytest.mark.parametrize("name", ["../x.y", "a/b.c", "memory", "", "..", "a.b\0"])
def test_unified_names_nothing_but_control_files(name):
    with pytest.raises(CgroupError, match="not the name of a control file"):
        settings({"unified": {name: "1"}}, V2)


def test_unified_is_for_the_controllers_of_v2_only():
    """Hybrid: a controller is in one hierarchy."""
    with pytest.raises(CgroupError, match=r"invalid configuration: linux.resources.unified memory.min"):
        settings({"unified": {"memory.min": "1"}}, (*V1, ""))


def test_weights_fall_back_where_another_scheduler_has_them():
    (v1,) = settings({"blockIO": {"weight": 500}}, V1)
    assert v1.otherwise.file == "blkio.bfq.weight"
    (v2,) = settings({"blockIO": {"weight": 500}}, V2)
    assert (v2.otherwise.file, v2.otherwise.value) == ("io.weight", str(io_weight(500)))


def test_values_that_bound_each_other_are_tried_twice():
    retried = {w.file for w in settings({"memory": {"limit": 5, "swap": 6}}, V1) if w.retry}
    assert retried == {"memory.limit_in_bytes"}
    retried = {w.file for w in settings({"cpu": {"quota": 5, "period": 6, "burst": 1}}, V1) if w.retry}
    assert retried == {"cpu.cfs_period_us", "cpu.cfs_burst_us", "cpu.cfs_quota_us"}


@pytest.mark.parametrize("limit", [0, 1])
def test_a_pids_limit_that_init_could_not_be_born_under_comes_late(limit):
    resources = {"pids": {"limit": limit}}
    assert settings(resources, V2) == []
    assert [w.value for w in late_settings(resources, V2)] == ["1"], "0 is 1"
    assert [w.value for w in settings(resources, V2, update=True)] == ["1"]
    assert late_settings({"pids": {"limit": 2}}, V2) == []
    assert late_settings({}, V2) == []


def test_the_oom_killer_can_be_switched_on_again_by_an_update():
    assert written({"memory": {"disableOOMKiller": False}}, V1, update=True) == ["memory.oom_control=0"]


@pytest.mark.parametrize("swappiness", [101, -2])
def test_swappiness_has_bounds(swappiness):
    with pytest.raises(CgroupError, match="between 0 and 100"):
        settings({"memory": {"swappiness": swappiness}}, V1)


@pytest.mark.parametrize(("shares", "weight"), [(0, 1), (2, 1), (1024, 100), (262144, 10000), (10**9, 10000)])
def test_shares_become_weights(shares, weight):
    assert weight_of_shares(shares) == weight


@given(st.integers(0, 300000), st.integers(0, 300000))
def test_more_shares_are_never_less_weight(one, other):
    few, many = sorted((one, other))
    assert 1 <= weight_of_shares(few) <= weight_of_shares(many) <= 10000


@pytest.mark.parametrize(("weight", "expected"), [(10, 1), (1000, 10000), (100, 910)])
def test_block_io_weights_become_io_weights(weight, expected):
    assert io_weight(weight) == expected


@pytest.mark.parametrize(
    ("limit", "swap", "expected"),
    [(0, 0, None), (5, 0, None), (-1, 0, "max"), (5, -1, "max"), (-1, 7, "7"), (5, 7, "2"), (5, 5, "0")],
)
def test_swap_alone_from_memory_and_swap(limit, swap, expected):
    assert swap_on_v2(limit, swap) == expected


@pytest.mark.parametrize(("limit", "swap"), [(0, 7), (7, 5)])
def test_swap_that_cannot_be_told_apart(limit, swap):
    with pytest.raises(CgroupError, match=r"memory\.swap"):
        swap_on_v2(limit, swap)


def test_check_before_update(tmp_path):
    (tmp_path / "memory.current").write_text("1000\n")
    check_before_update({"limit": 500}, str(tmp_path))
    check_before_update({"limit": 1001, "checkBeforeUpdate": True}, str(tmp_path))
    with pytest.raises(CgroupError, match="1000 bytes are in use"):
        check_before_update({"limit": 1000, "checkBeforeUpdate": True}, str(tmp_path))
    check_before_update({"limit": 1, "checkBeforeUpdate": True}, str(tmp_path / "gone"))
