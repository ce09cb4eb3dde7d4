"""What makes a process wrong: the one of ``config.json`` and that of ``exec --process``.

Follows config.md#process. ``at`` is the prefix of the fields' paths: ``"process."`` or "".
"""

from __future__ import annotations

from rung.spec.errors import SpecError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import ExecCPUAffinity, IOPriority, Process, Rlimit, Scheduler

#: Linux's largest id: -1 means "leave it" to setresuid(2).
ID_MAX = 0xFFFFFFFE


def check_process(process: Process, at: str) -> None:
    """Every rule about a process that has passed the schema."""
    if not process["args"]:
        raise SpecError(f"{at}args", "empty", "give the program to run")
    if not process["args"][0]:
        raise SpecError(f"{at}args[0]", "empty", "give the program to run")
    if not process["cwd"].startswith("/"):
        reason = "is not an absolute path" if process["cwd"] else "empty"
        raise SpecError(
            f"{at}cwd", _named(process["cwd"], reason), 'give the working directory, for example "/"'
        )
    for index, entry in enumerate(process.get("env", ())):
        # environ(7): entries are NAME=value. runc refuses others since 1.1.
        if entry.find("=") < 1:
            raise SpecError(f"{at}env[{index}]", _named(entry, "has no name before a ="), "write NAME=value")
    _check_user(process, at)
    _check_rlimits(process.get("rlimits", []), at)
    if not -1000 <= process.get("oomScoreAdj", 0) <= 1000:
        raise SpecError(f"{at}oomScoreAdj", f"{process['oomScoreAdj']} is outside -1000 to 1000")
    if "scheduler" in process:
        _check_scheduler(process["scheduler"], f"{at}scheduler.")
    if "ioPriority" in process:
        _check_io_priority(process["ioPriority"], f"{at}ioPriority.")
    if "execCPUAffinity" in process:
        _check_affinity(process["execCPUAffinity"], f"{at}execCPUAffinity.")


def _named(value: str, reason: str) -> str:

    return f"{shown(value)} {reason}" if value else reason


def _check_user(process: Process, at: str) -> None:
    user = process.get("user", {})
    ids = [("uid", user.get("uid", 0)), ("gid", user.get("gid", 0))]
    ids += [(f"additionalGids[{index}]", gid) for index, gid in enumerate(user.get("additionalGids", ()))]
    for field, number in ids:
        if number > ID_MAX:
            raise SpecError(f"{at}user.{field}", f"{number} is past the last id, {ID_MAX}")


def _check_rlimits(rlimits: list[Rlimit], at: str) -> None:
    seen = set()
    for index, limit in enumerate(rlimits):
        kind = limit["type"]
        # "If rlimits contains duplicated entries with same type, the runtime MUST generate an
        # error"; runc lets the last one win.
        if kind in seen:
            raise SpecError(f"{at}rlimits[{index}].type", f"{kind} is there twice")
        seen.add(kind)
        if limit["soft"] > limit["hard"]:
            raise SpecError(
                f"{at}rlimits[{index}].soft", f"{limit['soft']} is more than hard, {limit['hard']}"
            )


def _check_affinity(affinity: ExecCPUAffinity, at: str) -> None:
    from rung.spec.runtime.idlist import CPUS_MAX, bits_of

    for when, cpus in (("initial", affinity.get("initial", "")), ("final", affinity.get("final", ""))):
        try:
            named = bits_of(cpus, CPUS_MAX)
        except ValueError:
            named = 0
        if cpus and not named:
            raise SpecError(f"{at}{when}", f"{shown(cpus)} is not a list of CPUs", 'as in "0-3,7"')


def _check_scheduler(scheduler: Scheduler, at: str) -> None:
    """sched_setattr(2): which fields go with which policy."""
    policy = scheduler["policy"]
    if policy in ("SCHED_OTHER", "SCHED_BATCH") and not -20 <= scheduler.get("nice", 0) <= 19:
        raise SpecError(f"{at}nice", f"{scheduler['nice']} is outside -20 to 19")
    if not 0 <= scheduler.get("priority", 0) <= 99:
        raise SpecError(f"{at}priority", f"{scheduler['priority']} is outside 0 to 99")
    if scheduler.get("priority") and policy not in ("SCHED_FIFO", "SCHED_RR"):
        raise SpecError(f"{at}priority", f"does not go with {policy}", "only with SCHED_FIFO and SCHED_RR")
    for field in ("runtime", "deadline", "period"):
        if scheduler.get(field) and policy != "SCHED_DEADLINE":
            raise SpecError(f"{at}{field}", f"does not go with {policy}", "only with SCHED_DEADLINE")
    if policy == "SCHED_DEADLINE":
        _check_deadline(scheduler, at)


def _check_deadline(scheduler: Scheduler, at: str) -> None:
    """sched_setattr(2), EINVAL: what the kernel refuses without a word about which of the three it is.

    The sentences are crun's. sched(7): a period that is not given is the deadline."""
    before = "sched_setattr: `SCHED_DEADLINE`"
    for field in ("runtime", "deadline"):
        if field not in scheduler:
            raise SpecError(f"{at}{field}", f"{before} requires `{field}`", "in nanoseconds")
    runtime, deadline = scheduler["runtime"], scheduler["deadline"]
    period = scheduler.get("period") or deadline
    if runtime == 0:
        raise SpecError(f"{at}runtime", f"{before} runtime must be greater than 0")
    for field, time_ns, least in (("runtime", runtime, 1024), ("deadline", deadline, 1), ("period", period, 1)):
        if not least <= time_ns < 1 << 63:
            raise SpecError(f"{at}{field}", f"{before} {field} {time_ns} must be between {least} and {(1 << 63) - 1}")
    if runtime > deadline:
        raise SpecError(f"{at}runtime", f"{before} runtime ({runtime}) must be <= deadline ({deadline})")
    if deadline > period:
        raise SpecError(f"{at}deadline", f"{before} deadline ({deadline}) must be <= period ({period})")


def _check_io_priority(priority: IOPriority, at: str) -> None:
    if not 0 <= priority.get("priority", 0) <= 7:
        raise SpecError(f"{at}priority", f"{priority['priority']} is outside 0 to 7")
