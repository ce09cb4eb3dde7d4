"""``linux.resources.memory``; config-linux.md#memory.

v1 limits memory and memory+swap, v2 memory and swap; -1 is unlimited. Kernel memory
limits are gone from Linux, hierarchical accounting is the only kind left: both fields are
ignored, as by everybody.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import no_equivalent, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rung.spec.runtime.config import Memory

_FIELD = "linux.resources.memory."


def memory_writes(memory: Memory, controllers: Collection[str], update: bool) -> list[Write]:
    """Limits, reservation, swappiness, the OOM killer's switch."""
    swappiness = memory.get("swappiness")
    asked = any(memory.get(name) for name in ("limit", "reservation", "swap", "disableOOMKiller"))
    if not asked and swappiness is None and not (update and "disableOOMKiller" in memory):
        return []
    if swappiness is not None and not -1 <= swappiness <= 100:
        raise CgroupError(f"set {_FIELD}swappiness", f"to {swappiness}", "it is not between 0 and 100")
    if place("memory", "memory", controllers):
        return list(_v1(memory, update))
    return list(_v2(memory))


def _v1(memory: Memory, update: bool) -> Iterator[Write]:
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if limit == -1 and not swap:
        # Unlimited memory under the old limit of both is not what was meant.
        yield Write("memory", "memory.memsw.limit_in_bytes", "-1", _FIELD + "limit", optional=True)
    if limit:
        yield Write("memory", "memory.limit_in_bytes", str(limit), _FIELD + "limit", retry=bool(swap))
    if swap:
        yield Write("memory", "memory.memsw.limit_in_bytes", str(swap), _FIELD + "swap")
    if reservation := memory.get("reservation"):
        yield Write("memory", "memory.soft_limit_in_bytes", str(reservation), _FIELD + "reservation")
    killer = memory.get("disableOOMKiller")
    if killer or (update and killer is not None):
        yield Write("memory", "memory.oom_control", "1" if killer else "0", _FIELD + "disableOOMKiller")
    swappiness = memory.get("swappiness")
    if swappiness is not None and swappiness >= 0:
        yield Write("memory", "memory.swappiness", str(swappiness), _FIELD + "swappiness")


def _v2(memory: Memory) -> Iterator[Write]:
    for name in ("swappiness", "disableOOMKiller"):
        if memory.get(name) not in (None, False, -1):
            raise no_equivalent(f"memory.{name}")
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if (only_swap := swap_on_v2(limit, swap)) is not None:
        # A kernel without swap accounting needs no telling that there shall be no limit, or no swap.
        trivial = only_swap in ("max", "0")
        yield Write("", "memory.swap.max", only_swap, _FIELD + "swap", optional=trivial)
    if limit:
        yield Write("", "memory.max", _v2_number(limit), _FIELD + "limit")
    if reservation := memory.get("reservation"):
        yield Write("", "memory.low", _v2_number(reservation), _FIELD + "reservation")


def _v2_number(value: int) -> str:
    return "max" if value < 0 else str(value)


def swap_on_v2(limit: int, swap: int) -> str | None:
    """v1 counts memory and swap together, v2 swap alone. None: leave it."""
    if swap == 0:
        return "max" if limit == -1 else None
    if swap == -1:
        return "max"
    if limit == -1:
        return str(swap)
    if limit == 0:
        raise CgroupError(
            f"set {_FIELD}swap", f"to {swap}", "cgroup v2 limits swap alone", "give memory.limit beside it"
        )
    if swap < limit:
        raise CgroupError(
            f"set {_FIELD}swap", f"to {swap}", f"memory and swap together are less than memory.limit {limit}"
        )
    return str(swap - limit)


def check_before_update(memory: Memory, directory: str) -> None:
    """``checkBeforeUpdate`` on v2: refuse a limit below what is in use, as v1's kernel does.

    Where the usage cannot be read there is nothing to compare with."""
    from rung.runtime.cgroup.files import read_line

    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if not memory.get("checkBeforeUpdate") or (limit <= 0 and swap <= 0):
        return
    try:
        usage = int(read_line(f"{directory}/memory.current"))
    except OSError:
        return
    for words, value in (("memory+swap", swap), ("memory", limit)):
        if 0 < value <= usage:
            raise CgroupError(f"rejecting {words} limit", str(value), f"{usage} bytes are in use")
