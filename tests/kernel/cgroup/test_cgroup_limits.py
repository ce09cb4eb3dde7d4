"""Limits that the real kernel holds."""

import os
from pathlib import Path

import pytest

from rung.runtime.cgroup import Cgroup, CgroupError, hierarchies, updated

MIB = 1 << 20
DENY_ALL = {"allow": False, "access": "rwm"}


@pytest.fixture
def read(group, mode):
    """What a control file says: by its v1 controller and name, or its v2 name."""

    def reader(controller, v1, v2):
        if mode == "v2":
            return Path(group.paths[""], v2).read_text().strip()
        return Path(group.paths[controller], v1).read_text().strip()

    return reader


@pytest.fixture
def swap_counted(group, mode):
    group.create()
    name = "memory.swap.max" if mode == "v2" else "memory.memsw.limit_in_bytes"
    if not Path(group.paths["" if mode == "v2" else "memory"], name).exists():
        pytest.skip("this kernel does not count swap")


def memory(read):
    return read("memory", "memory.limit_in_bytes", "memory.max")


def test_cpu_pids_and_cpuset(group, mode, read):
    group.create()
    resources = {
        "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 20},
    }
    group.apply(resources)
    assert read("cpu", "cpu.shares", "cpu.weight") == ("59" if mode == "v2" else "512")
    assert read("cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"
    assert read("cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
    assert read("pids", "pids.max", "pids.max") == "20"


def test_cpusets_come_from_above(group, worker, read):
    group.create()
    worker(group)
    assert read("cpuset", "cpuset.cpus", "cpuset.cpus.effective")
    assert read("cpuset", "cpuset.mems", "cpuset.mems.effective")


def test_quota_and_period_in_any_direction(group, read, mode):
    group.create()
    for quota, period in ((50000, 100000), (2000, 5000), (900000, 1000000), (1000, 1000), (-1, 100000)):
        group.apply({"cpu": {"quota": quota, "period": period}}, update=True)
        if mode == "v2":
            assert read("cpu", "", "cpu.max") == f"{quota if quota > 0 else 'max'} {period}"
        else:
            assert read("cpu", "cpu.cfs_quota_us", "") == str(quota)
            assert read("cpu", "cpu.cfs_period_us", "") == str(period)


def test_idle_and_back(group, read):
    group.create()
    if not any(os.path.exists(f"{directory}/cpu.idle") for directory in group.directories):
        pytest.skip("cpu.idle is of Linux 5.15")
    resources = {"cpu": {"shares": 512}}
    for idle in (1, 0):
        resources = updated(resources, {"cpu": {"idle": idle}})
        group.apply(resources, update=True)
        assert read("cpu", "cpu.idle", "cpu.idle") == str(idle)
    assert read("cpu", "cpu.shares", "cpu.weight") in ("512", "59")


def test_memory_and_swap_in_any_direction(group, swap_counted, read):
    for limit, swap in ((50, 60), (70, 80), (20, 30), (200, 200), (10, 400)):
        group.apply({"memory": {"limit": limit * MIB, "swap": swap * MIB}}, update=True)
        assert memory(read) == str(limit * MIB)
        both = read("memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
        assert both in (str(swap * MIB), str((swap - limit) * MIB))


def test_unlimited_memory_after_limits(group, swap_counted, read, mode):
    old = {"memory": {"limit": 50 * MIB, "swap": 60 * MIB}}
    group.apply(old)
    group.apply(updated(old, {"memory": {"limit": -1}}), update=True)
    if mode == "v2":
        assert memory(read) == "max"
        assert read("memory", "", "memory.swap.max") == "max"
    else:
        assert int(memory(read)) > 1 << 60
        assert int(read("memory", "memory.memsw.limit_in_bytes", "")) > 1 << 60


def test_a_memory_limit_below_what_is_used(group, worker, mode, read):
    group.create()
    one = worker(group)
    assert one.do(f"grow {30 * MIB}") == "ok"
    with pytest.raises(CgroupError, match=r"limit .*\d+: \d+ bytes are in use"):
        group.apply({"memory": {"limit": MIB, "swap": MIB, "checkBeforeUpdate": True}}, update=True)
    assert memory(read) != str(MIB)
    assert one.do("grow 1") == "ok"


def test_the_pids_limit_holds(group, worker):
    group.create()
    group.apply({"pids": {"limit": 3}})
    one = worker(group)
    assert one.do("fork 2") == "ok"
    assert one.do("fork 1") == "Resource temporarily unavailable"


def test_a_pids_limit_of_one_set_late(group, worker, read):
    group.create()
    group.apply({"pids": {"limit": 1}})
    assert read("pids", "pids.max", "pids.max") == "max"
    one = worker(group)
    group.apply_late({"pids": {"limit": 1}})
    assert one.do("fork 1") == "Resource temporarily unavailable"


def test_shares_out_of_bounds(group, mode):
    group.create()
    if mode == "v2":
        pytest.skip("v2 converts what is out of bounds")
    with pytest.raises(CgroupError, match="the minimum that the kernel allows is 2"):
        group.apply({"cpu": {"shares": 1}})


def test_cpus_that_are_not_there(group):
    group.create()
    with pytest.raises(CgroupError, match=r"linux\.resources\.cpu\.cpus to 4000"):
        group.apply({"cpu": {"cpus": "4000"}})


def test_a_real_time_budget(group, mode):
    group.create()
    if mode == "v2":
        with pytest.raises(CgroupError, match="nothing like it"):
            group.apply({"cpu": {"realtimeRuntime": 1000}})
        return
    directory = Path(group.paths["cpu"])
    if not (directory / "cpu.rt_runtime_us").exists():
        pytest.skip("this kernel has no real-time group scheduling")
    for runtime, period in ((5000, 100000), (40, 1000), (10000, 1000000)):
        group.apply({"cpu": {"realtimeRuntime": runtime, "realtimePeriod": period}}, update=True)
        assert (directory / "cpu.rt_runtime_us").read_text().strip() == str(runtime)
        assert (directory / "cpu.rt_period_us").read_text().strip() == str(period)


def gives(top: Path, controller: str) -> bool:
    """Whether a v2 group can give a controller to those below: it is the real top, or has no process (a lane has)."""
    known = top / "cgroup.controllers"
    occupied = (top / "cgroup.type").exists() and (top / "cgroup.procs").read_text()
    return known.exists() and controller in known.read_text().split() and not occupied


def test_huge_pages(group):
    sizes = [int(entry.name[10:-2]) for entry in Path("/sys/kernel/mm/hugepages").iterdir()]
    if 2048 not in sizes:
        pytest.skip("this kernel has no 2 MiB pages")
    group.create()
    if "hugetlb" not in group.paths and not gives(Path(hierarchies().v2 or "/nowhere"), "hugetlb"):
        pytest.skip("no hugetlb controller for groups here: tests/guest has one")
    group.apply({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}, update=True)
    assert group.stats()["hugetlb"]["2MB"] == {"failcnt": 0}
    limits = [p for d in group.directories for p in Path(d).glob("hugetlb.2MB.*") if "rsvd" not in p.name]
    assert str(4 * MIB) in [p.read_text().strip() for p in limits]
    with pytest.raises(CgroupError, match="hugepageLimits 3MB"):
        group.apply({"hugepageLimits": [{"pageSize": "3MB", "limit": 0}]}, update=True)


@pytest.fixture
def forbidden():
    """A device that no container may open by default, and we may."""
    path = "/dev/kmsg"
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        pytest.skip(f"{path} cannot be opened here at all: {error.strerror}")
    return path


def test_default_devices_and_no_others(forbidden, group, worker):
    group.create()
    group.apply({"devices": [DENY_ALL]})
    check_devices(worker(group), forbidden)


def check_devices(one, forbidden):
    for path in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/ptmx"):
        assert one.do(f"open {path}") == "ok"
    assert one.do(f"open {forbidden}") == "Operation not permitted"


def test_devices_of_the_configuration(forbidden, group, worker, tmp_path):
    group.create()
    kmsg = {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}
    group.apply({"devices": [DENY_ALL, kmsg]})
    one = worker(group)
    assert one.do(f"open {forbidden}") == "ok"
    assert one.do(f"mknod {tmp_path}/any 1 3") == "ok"


def test_a_privileged_container(forbidden, group, worker):
    group.create()
    group.apply({"devices": [{"allow": True, "access": "rwm"}]})
    assert worker(group).do(f"open {forbidden}") == "ok"


def test_no_devices_in_the_configuration_is_the_default_ones(forbidden, group, worker):
    group.create()
    group.apply({})
    check_devices(worker(group), forbidden)


def test_devices_again_on_a_cgroup_that_is_there(forbidden, group, worker):
    group.create()
    group.apply({"devices": [{"allow": True, "access": "rwm"}]})
    second = Cgroup(group.paths)
    second.create()
    second.apply({"devices": [DENY_ALL]})
    one = worker(group)
    check_devices(one, forbidden)
    third = Cgroup(group.paths)
    third.apply(
        {"devices": [DENY_ALL, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rw"}]}
    )
    assert one.do(f"open {forbidden}") == "ok"


def test_updates_leave_devices_alone(forbidden, group, worker):
    group.create()
    group.apply({"devices": [DENY_ALL]})
    group.apply({"devices": [{"allow": True, "access": "rwm"}], "pids": {"limit": 10}}, update=True)
    check_devices(worker(group), forbidden)


def test_the_device_program_of_v2(forbidden, unified, worker):
    from rung.runtime.cgroup.bpf import attached

    unified.create()
    for rules in ([DENY_ALL], [{"allow": True, "access": "rwm"}], [DENY_ALL]):
        unified.apply({"devices": rules})
        fd = os.open(unified.paths[""], os.O_RDONLY)
        try:
            assert len(attached(fd)) == 1
        finally:
            os.close(fd)
    check_devices(worker(unified), forbidden)


def test_several_programs_become_one(unified):
    from rung.runtime.cgroup import bpf, device_program

    unified.create()
    fd = os.open(unified.paths[""], os.O_RDONLY)
    try:
        for _ in range(2):
            program = bpf.load(device_program([DENY_ALL]))
            bpf._replace(fd, program, [])
            os.close(program)
        assert len(bpf.attached(fd)) == 2
        unified.apply({"devices": [DENY_ALL]})
        assert len(bpf.attached(fd)) == 1
    finally:
        os.close(fd)


def test_a_hole_in_a_wildcard_on_v2(forbidden, unified, worker):
    unified.create()
    hole = [
        {"allow": True, "type": "c", "major": 1, "access": "rwm"},
        {"allow": False, "type": "c", "major": 1, "minor": 11, "access": "r"},
    ]
    unified.apply({"devices": [DENY_ALL, *hole]})
    one = worker(unified)
    assert one.do(f"open {forbidden}") == "Operation not permitted"
    assert one.do("open /dev/null") == "ok"


def test_a_program_that_the_kernel_refuses(unified):
    from rung.runtime.cgroup.bpf import attach

    unified.create()
    with pytest.raises(CgroupError, match="limit devices in"):
        attach(unified.paths[""], bytes(8))
