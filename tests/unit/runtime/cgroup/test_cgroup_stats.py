"""Counters of fake trees in runc's form."""

import pytest

from rung.runtime.cgroup import Cgroup
from rung.runtime.cgroup.stats import UNLIMITED, numbers_of

V2_FILES = {
    "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2\n",
    "cpu.pressure": "some avg10=0.50 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=6\n",
    "cpuset.cpus.effective": "0-1\n",
    "cpuset.mems.effective": "0\n",
    "memory.stat": "anon 5\nfile 6\n",
    "memory.current": "100\n",
    "memory.max": "1000\n",
    "memory.peak": "200\n",
    "memory.swap.current": "10\n",
    "memory.swap.max": "50\n",
    "memory.events": "low 0\noom 3\noom_kill 2\n",
    "pids.current": "3\n",
    "pids.max": "max\n",
    "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16\n",
    "hugetlb.2MB.current": "0\n",
    "hugetlb.2MB.rsvd.current": "2097152\n",
    "hugetlb.2MB.events": "max 1\n",
}


def fill(directory, files):
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_text(content)
    return str(directory)


def test_v2(tmp_path):
    group = Cgroup({"": fill(tmp_path, V2_FILES)})
    found = group.stats()
    assert found["cpu"]["usage"] == {"total": 30000, "kernel": 10000, "user": 20000}
    assert found["cpu"]["throttling"] == {"periods": 4, "throttledPeriods": 3, "throttledTime": 2000}
    assert found["cpu"]["psi"]["some"] == {"avg10": 0.5, "avg60": 0.0, "avg300": 0.0, "total": 7}
    assert found["cpuset"]["cpus"] == [0, 1]
    assert found["memory"] == {
        "cache": 6,
        "usage": {"limit": 1000, "usage": 100, "max": 200, "failcnt": 0},
        "swap": {"limit": 1050, "usage": 110, "failcnt": 0},
        "kernel": {"limit": 0, "failcnt": 0},
        "kernelTCP": {"limit": 0, "failcnt": 0},
        "raw": {"anon": 5, "file": 6},
    }
    assert found["pids"] == {"current": 3}
    assert found["blkio"] == {
        "ioServiceBytesRecursive": [
            {"major": 8, "op": "Read", "value": 1},
            {"major": 8, "op": "Write", "value": 2},
        ],
        "ioServicedRecursive": [
            {"major": 8, "op": "Read", "value": 3},
            {"major": 8, "op": "Write", "value": 4},
        ],
    }
    assert found["hugetlb"] == {"2MB": {"usage": 2097152, "failcnt": 1}}
    assert found["intel_rdt"] == {}
    assert found["network_interfaces"] is None
    assert group.oom_kills() == 2


def test_v2_without_limits_and_controllers(tmp_path):
    files = {
        "memory.current": "5\n",
        "memory.max": "max\n",
        "memory.swap.max": "50\n",
        "cgroup.procs": "1\n2\n",
    }
    found = Cgroup({"": fill(tmp_path, files)}).stats()
    assert found["memory"]["usage"]["limit"] == UNLIMITED
    assert found["memory"]["swap"]["limit"] == UNLIMITED
    assert found["pids"] == {"current": 2}
    assert found["blkio"] == {}


V1_FILES = {
    "cpuacct": {
        "cpuacct.stat": "user 3\nsystem 2\n",
        "cpuacct.usage": "70\n",
        "cpuacct.usage_percpu": "30 40 \n",
        "cpuacct.usage_all": "cpu user system\n0 1 2\n1 3 4\n",
    },
    "cpu": {"cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\nwait_sum 1\n"},
    "cpuset": {
        "cpuset.cpus": "0,2\n",
        "cpuset.mems": "0\n",
        "cpuset.sched_relax_domain_level": "-1\n",
        "cpuset.sched_load_balance": "1\n",
    },
    "memory": {
        "memory.stat": "cache 12\nrss 3\n",
        "memory.usage_in_bytes": "15\n",
        "memory.max_usage_in_bytes": "20\n",
        "memory.failcnt": "1\n",
        "memory.limit_in_bytes": "64\n",
        "memory.memsw.limit_in_bytes": "128\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
    },
    "pids": {"pids.current": "2\n", "pids.max": "10\n"},
    "blkio": {
        "blkio.bfq.io_serviced_recursive": "Total 0\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 5\n8:0 Total 5\nTotal 5\n",
        "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\nTotal 4096\n",
    },
    "hugetlb": {
        "hugetlb.2MB.usage_in_bytes": "0\n",
        "hugetlb.2MB.rsvd.usage_in_bytes": "0\n",
        "hugetlb.2MB.rsvd.max_usage_in_bytes": "2097152\n",
        "hugetlb.2MB.rsvd.failcnt": "6\n",
    },
}


def test_v1(tmp_path):
    group = Cgroup({name: fill(tmp_path / name, files) for name, files in V1_FILES.items()})
    found = group.stats()
    assert found["cpu"] == {
        "usage": {
            "total": 70,
            "percpu": [30, 40],
            "percpu_kernel": [2, 4],
            "percpu_user": [1, 3],
            "kernel": 20_000_000,
            "user": 30_000_000,
        },
        "throttling": {},
    }
    assert found["cpuset"]["cpus"] == [0, 2]
    assert found["cpuset"]["sched_relax_domain_level"] == -1
    assert found["memory"]["cache"] == 12
    assert found["memory"]["usage"] == {"limit": 64, "usage": 15, "max": 20, "failcnt": 1}
    assert found["memory"]["swap"] == {"limit": 128, "failcnt": 0}
    assert found["pids"] == {"current": 2, "limit": 10}
    assert found["blkio"] == {
        "ioServicedRecursive": [
            {"major": 8, "op": "Read", "value": 5},
            {"major": 8, "op": "Total", "value": 5},
        ],
        "ioServiceBytesRecursive": [{"major": 8, "op": "Read", "value": 4096}],
    }
    assert found["hugetlb"] == {"2MB": {"max": 2097152, "failcnt": 6}}
    assert group.oom_kills() == 4


def test_a_hybrid_host_may_have_huge_pages_on_v2(tmp_path):
    group = Cgroup({"pids": fill(tmp_path / "pids", V1_FILES["pids"]), "": fill(tmp_path / "v2", V2_FILES)})
    found = group.stats()
    assert found["hugetlb"] == {"2MB": {"usage": 2097152, "failcnt": 1}}
    assert found["pids"] == {"current": 2, "limit": 10}


def test_a_cgroup_that_is_gone_counts_nothing(tmp_path):
    group = Cgroup({"memory": f"{tmp_path}/gone"})
    assert group.stats()["memory"]["usage"] == {"limit": 0, "failcnt": 0}
    assert group.oom_kills() == 0


@pytest.mark.parametrize(
    ("text", "expected"), [("0-2,5\n", [0, 1, 2, 5]), ("\n", []), ("3", [3]), ("0,2-3", [0, 2, 3])]
)
def test_lists_of_cpus(text, expected):
    assert numbers_of(text) == expected
