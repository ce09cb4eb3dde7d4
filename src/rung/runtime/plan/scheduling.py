"""Where and when a process runs: CPUs, scheduling policy, I/O priority, memory nodes.

config.md#linux-process: scheduler, ioPriority, execCPUAffinity; config-linux.md#memory-policy.
All of it while raising a priority may still be allowed. A module of its own, since few
configurations ask for any of it.
"""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.request import get
from rung.spec.runtime.names import (
    IO_PRIORITIES,
    MEMORY_POLICIES,
    MEMORY_POLICY_FLAGS,
    SCHEDULER_FLAGS,
    SCHEDULERS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, MemoryPolicy, Process, Scheduler

#: What the kernel's bare EPERM means where CPUs are restricted; the words are runc's.
_NOT_ALL_CPUS = "process scheduler can't be used together with AllowedCPUs"


def priority_steps(process: Process, config: Config) -> Iterator[Step]:
    """Of a process, new or more."""
    if process.get("scheduler"):
        limited = get(config, "linux", "resources", "cpu", "cpus")
        yield _scheduler(process["scheduler"], _NOT_ALL_CPUS if limited else "")
    if process.get("ioPriority"):
        wanted = process["ioPriority"]
        yield steps.SetIoPriority(IO_PRIORITIES[wanted["class"]] << 13 | wanted.get("priority", 0))
    policy = get(config, "linux", "memoryPolicy")
    if policy:
        yield _memory_policy(policy)


def _scheduler(wanted: Scheduler, refusal: str) -> Step:
    flags = 0
    for name in wanted.get("flags", ()):
        flags |= SCHEDULER_FLAGS[name]
    return steps.SetScheduler(
        SCHEDULERS[wanted["policy"]],
        flags,
        wanted.get("nice", 0),
        wanted.get("priority", 0),
        wanted.get("runtime", 0),
        wanted.get("deadline", 0),
        wanted.get("period", 0),
        wanted["policy"],
        refusal,
    )


def _memory_policy(policy: MemoryPolicy) -> Step:
    from rung.spec.runtime.idlist import NODES_MAX, bits_of, mask_of

    mode = MEMORY_POLICIES[policy["mode"]]
    for name in policy.get("flags", ()):
        mode |= MEMORY_POLICY_FLAGS[name]
    return steps.SetMemoryPolicy(mode, mask_of(bits_of(policy.get("nodes", ""), NODES_MAX)), policy["mode"])


def set_affinity(cpus: str) -> Step:
    """A list of CPUs that has been checked."""
    from rung.spec.runtime.idlist import CPUS_MAX, bits_of, mask_of

    return steps.SetAffinity(mask_of(bits_of(cpus, CPUS_MAX)), cpus)
