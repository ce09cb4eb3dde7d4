"""Scheduling policy, I/O priority, CPUs and memory nodes, of containers and of execs."""

from __future__ import annotations

import ctypes
import os

import pytest

from kernel.runtime.bed import one_sentence, wait
from rung.errors import RungError
from rung.runtime import ExecOptions
from rung.runtime.seccomp.numbers import numbers_of

_libc = ctypes.CDLL(None)
BATCH = {"policy": "SCHED_BATCH", "nice": 19}
STAT = "cut -d\" \" -f 19,40,41 /proc/self/stat"  # nice, real-time priority, policy
CPUS = sorted(os.sched_getaffinity(0))
ALLOWED = "grep Cpus_allowed_list /proc/self/status | cut -f 2"


def io_priority(pid: int) -> tuple[int, int]:
    """Class and level of a process."""
    found = _libc.syscall(numbers_of(os.uname().machine)["ioprio_get"], 1, pid)
    return found >> 13, found & 0x1FFF


def test_a_policy(bed):
    assert bed.run(STAT, {"process.scheduler": BATCH}).output == "19 0 3\n"
    fifo = {"policy": "SCHED_FIFO", "priority": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    edits = {"process.scheduler": fifo}
    if os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"):  # there a cgroup begins without any
        edits["linux.resources.cpu"] = {"realtimeRuntime": 1000, "realtimePeriod": 1000000}
    with bed.running(edits) as container:
        assert os.sched_getscheduler(container.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
        assert os.sched_getscheduler(container.pid) & os.SCHED_RESET_ON_FORK
        assert os.sched_getparam(container.pid).sched_priority == 7


def test_an_exec_has_the_containers_policy_or_its_own(bed):
    priority = {"class": "IOPRIO_CLASS_BE", "priority": 4}
    with bed.running({"process.scheduler": BATCH, "process.ioPriority": priority}) as container:
        assert io_priority(container.pid) == (2, 4)
        bare = {"args": ["sleep", "1000"], "cwd": "/"}
        with executed(container, bare) as pid:
            assert (os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)) == (os.SCHED_BATCH, 19)
            assert io_priority(pid) == (2, 4)
        idle = {"scheduler": {"policy": "SCHED_IDLE"}, "ioPriority": {"class": "IOPRIO_CLASS_IDLE"}}
        with executed(container, {**bare, **idle}) as pid:
            assert (os.sched_getscheduler(pid), io_priority(pid)[0]) == (os.SCHED_IDLE, 3)


class executed:
    """A process of an exec, ended with the block."""

    def __init__(self, container, process) -> None:
        self.process = container.exec(process, ExecOptions())

    def __enter__(self) -> int:
        return self.process.pid

    def __exit__(self, *_: object) -> None:
        os.kill(self.process.pid, 9)
        assert wait(self.process) == 128 + 9


def test_a_deadline_is_not_for_a_restricted_container(bed):
    if not os.path.isdir("/sys/fs/cgroup/cpuset") and not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("no cpuset controller here")
    deadline = {"policy": "SCHED_DEADLINE", "runtime": 42000, "deadline": 1000000, "period": 1000000}
    edits = {"process.scheduler": deadline, "linux.resources.cpu": {"cpus": "0", "mems": "0"}}
    outcome = bed.call("run", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, "SCHED_DEADLINE", "can't be used together with AllowedCPUs")


def test_what_the_kernel_refuses_names_the_policy(bed):
    edits = {"process.scheduler": {"policy": "SCHED_FIFO", "priority": 0}}
    outcome = bed.call("run", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, "schedule as SCHED_FIFO", "sched_setattr", "EINVAL")


@pytest.fixture
def one_cpu():
    """This process, as a caller that is bound to one CPU."""
    if len(CPUS) < 2:
        pytest.skip("one CPU only")
    os.sched_setaffinity(0, CPUS[:1])
    yield str(CPUS[0])
    os.sched_setaffinity(0, CPUS)


def test_the_callers_cpus_are_not_the_containers(bed, one_cpu):
    every = f"{CPUS[0]}-{CPUS[-1]}\n"
    assert bed.run(ALLOWED).output == every
    with bed.running() as container:
        assert bed.exec(container, ALLOWED).output == every


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU only")
def test_the_cpus_of_an_exec(bed):
    first, second = str(CPUS[0]), str(CPUS[1])
    with bed.running({"process.execCPUAffinity": {"initial": first, "final": second}}) as container:
        assert bed.exec(container, ALLOWED).output == f"{second}\n"
        for affinity, expected in (
            ({"final": f"{first},{second}"}, f"{first}-{second}\n"),
            ({"initial": first, "final": first}, f"{first}\n"),
        ):
            assert bed.exec(container, ALLOWED, execCPUAffinity=affinity).output == expected
        with pytest.raises(RungError, match="run on CPUs: 8191"):
            bed.exec(container, ALLOWED, execCPUAffinity={"final": "8191"})


@pytest.mark.skipif(not os.path.exists("/proc/self/numa_maps"), reason="a kernel without NUMA")
@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "interleave:0"),
        ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
        ({"mode": "MPOL_PREFERRED", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, "prefer=relative:0"),
        ({"mode": "MPOL_LOCAL"}, "local"),
        ({"mode": "MPOL_DEFAULT"}, "default"),
    ],
)
def test_a_memory_policy(bed, policy, shown):
    script = "head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2"
    edits = {"linux.memoryPolicy": policy}
    assert bed.run(script, edits).output == f"{shown}\n"
    with bed.running(edits) as container:
        assert bed.exec(container, script).output == f"{shown}\n"


def test_a_memory_policy_of_nodes_that_are_not_here(bed):
    edits = {"linux.memoryPolicy": {"mode": "MPOL_BIND", "nodes": "1000"}}
    outcome = bed.call("run", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, "take memory by MPOL_BIND", "set_mempolicy")
