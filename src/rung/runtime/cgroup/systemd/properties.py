"""``linux.resources`` as properties of a unit. Pure.

systemd must know the limits that it can, or it takes them back at its next ``daemon-reload``; what it has no
property for is written to the cgroup only. Names and units: systemd.resource-control(5) and
org.freedesktop.systemd1(5); which limits, and how quotas are rounded, is as runc has it.
"""

from __future__ import annotations

from rung.runtime.cgroup.controllers.blkio import io_weight
from rung.runtime.cgroup.controllers.cpu import weight_of_shares
from rung.runtime.cgroup.controllers.memory import swap_on_v2
from rung.runtime.cgroup.systemd.marshal import Variant
from rung.runtime.cgroup.systemd.unified import unified_properties
from rung.runtime.cgroup.systemd.values import INFINITY, bits, cpu_quota, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.cgroup.systemd.names import Unit
    from rung.runtime.cgroup.systemd.values import Property
    from rung.spec.runtime.config import CPU, BlockIO, Memory, Resources

_ACCOUNTING = ("MemoryAccounting", "CPUAccounting", "TasksAccounting")
_CPUSETS_SINCE, _IDLE_SINCE = 244, 252  # systemd's versions


def unit_properties(unit: Unit, container_id: str, pid: int, v2: bool) -> list[Property]:
    """What the unit is. ``pid``: the process that a scope begins with."""
    found = [("Description", Variant("s", f"container {container_id}"))]
    if unit.is_slice:
        found.append(("Wants", Variant("as", [unit.slice])))
    else:
        found.append(("Slice", Variant("s", unit.slice)))
        found.append(("Delegate", Variant("b", True)))
        found.append(("PIDs", Variant("au", [pid])))
    for name in (*_ACCOUNTING, "IOAccounting" if v2 else "BlockIOAccounting"):
        found.append((name, Variant("b", True)))
    found.append(("DefaultDependencies", Variant("b", False)))
    return found


def resource_properties(resources: Resources, *, v2: bool, version: int = 999) -> list[Property]:
    """The limits that systemd of this version knows, devices left out (devices.py)."""
    found = list(_memory_v2(resources.get("memory") or {}) if v2 else _memory_v1(resources.get("memory") or {}))
    cpu = resources.get("cpu") or {}
    found += _cpu_v2(cpu, version) if v2 else _cpu_v1(cpu)
    found += cpu_quota(cpu.get("quota") or 0, cpu.get("period") or 0)
    if version >= _CPUSETS_SINCE:
        found += _cpuset(cpu)
    limit = (resources.get("pids") or {}).get("limit")
    if limit is not None:
        found.append(("TasksMax", Variant("t", INFINITY if limit < 0 else max(limit, 1))))
    found += _block_io(resources.get("blockIO") or {}, v2)
    if v2:
        found += unified_properties(resources.get("unified") or {}, version)
    return found


def _memory_v1(memory: Memory) -> Iterator[Property]:
    if limit := memory.get("limit"):
        yield "MemoryLimit", number(limit)


def _memory_v2(memory: Memory) -> Iterator[Property]:
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if limit:
        yield "MemoryMax", number(limit)
    if (only_swap := swap_on_v2(limit, swap)) is not None:
        yield "MemorySwapMax", number(-1 if only_swap == "max" else int(only_swap))
    if reservation := memory.get("reservation"):
        yield "MemoryLow", number(reservation)


def _cpu_v1(cpu: CPU) -> Iterator[Property]:
    if shares := cpu.get("shares"):
        yield "CPUShares", Variant("t", shares)


def _cpu_v2(cpu: CPU, version: int) -> Iterator[Property]:
    """A weight of 0 is systemd's word for idle."""
    if cpu.get("idle") and version >= _IDLE_SINCE:
        yield "CPUWeight", Variant("t", 0)
    elif shares := cpu.get("shares"):
        yield "CPUWeight", Variant("t", weight_of_shares(shares))


def _cpuset(cpu: CPU) -> Iterator[Property]:
    if cpus := cpu.get("cpus"):
        yield "AllowedCPUs", Variant("ay", bits(cpus, "linux.resources.cpu.cpus"))
    if mems := cpu.get("mems"):
        yield "AllowedMemoryNodes", Variant("ay", bits(mems, "linux.resources.cpu.mems"))


def _block_io(block_io: BlockIO, v2: bool) -> Iterator[Property]:
    if weight := block_io.get("weight"):
        yield ("IOWeight", Variant("t", io_weight(weight))) if v2 else ("BlockIOWeight", Variant("t", weight))
