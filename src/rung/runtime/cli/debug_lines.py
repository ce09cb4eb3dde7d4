"""What ``--debug`` shows of a rung-init: each step of the plan that it has begun, as one message.

Scripts look for some of runc's debug messages, so the stages have runc's names for them: "nsexec" is the process
that enters cgroups and makes namespaces, "init" the one that it gives birth to. Every other word is a step's own.
Loaded only with ``--debug``.
"""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.text import sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.request import Plan
    from rung.runtime.plan.wire import Ledger


def debug_lines(plan: Plan, ledger: Ledger) -> Iterator[str]:
    """Yield a message for each step that has begun, in order, and for the stages between them."""
    entering = any(isinstance(step, steps.Ready) for step in plan.steps)
    for step in plan.steps:
        if isinstance(step, steps.LoadSeccomp):
            yield f"seccomp filter flags: {step.flags}"
    yield "nsexec container setup"
    stage = "nsexec"
    for step in plan.steps[: ledger.current + 1]:
        if isinstance(step, steps.SetAffinity) and step.mask:
            yield f"{stage}: affinity: {int.from_bytes(step.mask, 'little'):#x}"
        elif isinstance(step, steps.WaitStart):
            yield f"{stage}: closing the pipe to signal completion"
        elif isinstance(step, steps.Exec) and entering:
            yield f"setns_init: about to exec {step.argv[0]}"
        else:
            yield f"{stage}: {sentence(step)}"
        if isinstance(step, steps.Clone) and ledger.pid:
            yield f"child process in init(): pid {ledger.pid}"
            stage = "init"
