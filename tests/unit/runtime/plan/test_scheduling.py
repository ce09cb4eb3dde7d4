"""When a plan has priorities, CPUs and memory nodes, and what an exec has from the container."""

from __future__ import annotations

from typing import Any

from plan_configs import config, of, order, plan
from rung.runtime.plan import steps
from rung.runtime.plan.compile import compile_exec
from rung.runtime.plan.process import inheriting
from rung.runtime.plan.request import ExecRequest, Plan


def execute(document: dict[str, Any], process: dict[str, Any], **more: Any) -> Plan:
    return compile_exec(ExecRequest("box", document, process, **more))  # type: ignore[arg-type]


def test_only_what_is_asked_for() -> None:
    made = plan(config())
    assert not of(steps.SetScheduler, made) + of(steps.SetIoPriority, made) + of(steps.SetMemoryPolicy, made)
    assert [step.mask for step in of(steps.SetAffinity, made)] == [b""]


def test_priorities_come_before_the_privilege_goes() -> None:
    document = config(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]})
    document["process"]["scheduler"] = {"policy": "SCHED_FIFO", "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    document["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_RT", "priority": 5}
    made = plan(document)
    kinds = (steps.SetScheduler, steps.SetIoPriority, steps.SetMemoryPolicy, steps.SetUser)
    assert order(made, *kinds) == [kind.__name__ for kind in kinds]
    (scheduler,) = of(steps.SetScheduler, made)
    assert (scheduler.policy, scheduler.flags, scheduler.priority, scheduler.refusal) == (1, 1, 3, "")
    assert of(steps.SetIoPriority, made)[0].priority == 1 << 13 | 5
    (policy,) = of(steps.SetMemoryPolicy, made)
    assert (policy.mode, policy.nodes) == (2 | 1 << 15, b"\3" + bytes(7))


def test_why_a_policy_is_refused_where_cpus_are_given() -> None:
    document = config(resources={"cpu": {"cpus": "0"}})
    document["process"]["scheduler"] = {"policy": "SCHED_DEADLINE"}
    assert "AllowedCPUs" in of(steps.SetScheduler, plan(document))[0].refusal


def test_an_execs_cpus_before_and_after_the_cgroup() -> None:
    document = config()
    paths = {"cpuset": "/c/cpuset/box"}

    def cpus(affinity: dict[str, str]) -> list[str]:
        process = {**document["process"], "execCPUAffinity": affinity}
        made = execute(document, process, cgroup_paths=paths)
        found = []
        for step in made.steps:
            if isinstance(step, steps.SetAffinity):
                found.append(step.cpus)
            elif isinstance(step, steps.JoinCgroup):
                found.append("join")
        return found

    assert cpus({}) == ["join", "all that the cgroup allows"]
    assert cpus({"initial": "0"}) == ["0", "join"]
    assert cpus({"initial": "0", "final": "1"}) == ["0", "join", "1"]
    assert cpus({"final": "1"}) == ["join", "1"]


def test_what_an_exec_has_from_the_container() -> None:
    own: Any = {"args": ["true"], "cwd": "/", "user": {"uid": 5}}
    of_container: Any = {
        "args": ["sleep"],
        "env": ["A=b"],
        "noNewPrivileges": True,
        "user": {"uid": 7, "umask": 0},
        "capabilities": {"bounding": ["CAP_KILL"]},
        "scheduler": {"policy": "SCHED_IDLE"},
    }
    found = inheriting(own, of_container)
    assert found == {
        "args": ["true"],
        "cwd": "/",
        "user": {"uid": 5, "umask": 0},
        "capabilities": {"bounding": ["CAP_KILL"]},
        "scheduler": {"policy": "SCHED_IDLE"},
    }
    own["capabilities"] = {"effective": []}
    own["user"]["umask"] = 0o77
    assert inheriting(own, of_container)["capabilities"] == {"effective": []}
    assert inheriting(own, of_container)["user"]["umask"] == 0o77
    assert inheriting(own, None) == own
