"""``linux.resources.unified`` as properties of a unit: those of cgroup v2's files that systemd knows. Pure.

A file that it has no property for is written to the cgroup only. systemd.resource-control(5).
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd.marshal import Variant
from rung.runtime.cgroup.systemd.values import bits, cpu_quota, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rung.runtime.cgroup.systemd.values import Property

_SIZES = {
    "memory.high": "MemoryHigh",
    "memory.low": "MemoryLow",
    "memory.max": "MemoryMax",
    "memory.min": "MemoryMin",
    "memory.swap.max": "MemorySwapMax",
    "memory.zswap.max": "MemoryZSwapMax",
    "pids.max": "TasksMax",
}
_SETS = {"cpuset.cpus": "AllowedCPUs", "cpuset.mems": "AllowedMemoryNodes"}
_CPUSETS_SINCE, _IDLE_SINCE, _ZSWAP_SINCE = 244, 252, 253


def unified_properties(unified: Mapping[str, str], version: int) -> list[Property]:
    """In the order that they are given."""
    found: list[Property] = []
    idle = unified.get("cpu.idle", "").strip() == "1" and version >= _IDLE_SINCE
    for name, value in unified.items():
        text = value.strip()
        if name in _SIZES and (name != "memory.zswap.max" or version >= _ZSWAP_SINCE):
            found.append((_SIZES[name], number(-1 if text == "max" else _number(name, text))))
        elif name in _SETS and version >= _CPUSETS_SINCE:
            found.append((_SETS[name], Variant("ay", bits(text, f"linux.resources.unified {name}"))))
        elif name == "cpu.weight" and not idle:
            found.append(("CPUWeight", Variant("t", _number(name, text))))
        elif name == "cpu.idle" and idle:
            found.append(("CPUWeight", Variant("t", 0)))
        elif name == "cpu.max":
            quota, _, period = text.partition(" ")
            period_us = _number(name, period.strip()) if period.strip() else 100_000
            found += cpu_quota(-1 if quota == "max" else _number(name, quota), period_us)
    return found


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise CgroupError(f"set linux.resources.unified {name}", f"to {text!r}", "it is not a number")
    return int(text)
