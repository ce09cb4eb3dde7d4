"""v1's counters, each controller in its own directory."""

from __future__ import annotations

from rung.runtime.cgroup.oom import keyed
from rung.runtime.cgroup.stats import UNLIMITED, nonzero, number, numbers_of, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TICK_NS = 10_000_000  # USER_HZ is 100 on every architecture
_CPUSET = (
    "cpu_exclusive",
    "mem_hardwall",
    "mem_exclusive",
    "memory_migrate",
    "memory_spread_page",
    "memory_spread_slab",
    "memory_pressure",
    "sched_load_balance",
    "sched_relax_domain_level",
)
#: runc's name of each table, and the file's; sets are tried in order until one is there.
_BFQ = (
    ("sectorsRecursive", "sectors_recursive"),
    ("ioServiceTimeRecursive", "io_service_time_recursive"),
    ("ioWaitTimeRecursive", "io_wait_time_recursive"),
    ("ioMergedRecursive", "io_merged_recursive"),
    ("ioQueueRecursive", "io_queued_recursive"),
    ("ioTimeRecursive", "time_recursive"),
    ("ioServicedRecursive", "io_serviced_recursive"),
    ("ioServiceBytesRecursive", "io_service_bytes_recursive"),
)
_BLKIO_SETS = (
    tuple((name, f"blkio.bfq.{file}") for name, file in _BFQ),
    tuple((name, f"blkio.bfq.{file}") for name, file in _BFQ[-2:]),
    tuple((name, f"blkio.{file}") for name, file in _BFQ),
    tuple((name, f"blkio.throttle.{file}") for name, file in _BFQ[-2:]),
    tuple((name, f"blkio.throttle.{file.removesuffix('_recursive')}") for name, file in _BFQ[-2:]),
)


def stats_v1(paths: Mapping[str, str]) -> dict[str, Any]:
    return {
        "cpu": _cpu(paths.get("cpuacct"), paths.get("cpu")),
        "cpuset": _cpuset(paths.get("cpuset")),
        "memory": _memory(paths.get("memory")),
        "pids": _pids(paths.get("pids")),
        "blkio": _blkio(paths.get("blkio")),
        "hugetlb": _hugetlb(paths),
    }


def _cpu(cpuacct: str | None, cpu: str | None) -> dict[str, Any]:
    modes = keyed(text(cpuacct, "cpuacct.stat"))
    rows = [line.split() for line in text(cpuacct, "cpuacct.usage_all").splitlines()[1:]]
    usage = nonzero(
        total=number(cpuacct, "cpuacct.usage"),
        percpu=[int(value) for value in text(cpuacct, "cpuacct.usage_percpu").split()],
        percpu_kernel=[int(row[2]) for row in rows],
        percpu_user=[int(row[1]) for row in rows],
    )
    usage["kernel"] = modes.get("system", 0) * _TICK_NS
    usage["user"] = modes.get("user", 0) * _TICK_NS
    throttled = keyed(text(cpu, "cpu.stat"))
    return {
        "usage": usage,
        "throttling": nonzero(
            periods=throttled.get("nr_periods"),
            throttledPeriods=throttled.get("nr_throttled"),
            throttledTime=throttled.get("throttled_time"),
        ),
    }


def _cpuset(directory: str | None) -> dict[str, Any]:
    found: dict[str, Any] = nonzero(
        cpus=numbers_of(text(directory, "cpuset.cpus")), mems=numbers_of(text(directory, "cpuset.mems"))
    )
    for name in _CPUSET:
        found[name] = number(directory, f"cpuset.{name}")
    return found


def _memory(directory: str | None) -> dict[str, Any]:
    raw = keyed(text(directory, "memory.stat"))
    return {
        **nonzero(cache=raw.get("cache")),
        "usage": _counter(directory, "memory"),
        "swap": _counter(directory, "memory.memsw"),
        "kernel": _counter(directory, "memory.kmem"),
        "kernelTCP": _counter(directory, "memory.kmem.tcp"),
        **nonzero(raw=raw),
    }


def _counter(directory: str | None, prefix: str) -> dict[str, Any]:
    return {
        "limit": number(directory, f"{prefix}.limit_in_bytes"),
        **nonzero(
            usage=number(directory, f"{prefix}.usage_in_bytes"),
            max=number(directory, f"{prefix}.max_usage_in_bytes"),
        ),
        "failcnt": number(directory, f"{prefix}.failcnt"),
    }


def _pids(directory: str | None) -> dict[str, Any]:
    limit = number(directory, "pids.max")
    return nonzero(current=number(directory, "pids.current"), limit=0 if limit == UNLIMITED else limit)


def _blkio(directory: str | None) -> dict[str, Any]:
    for tables in _BLKIO_SETS:
        if not _entries(text(directory, tables[0][1])):
            continue
        return nonzero(**{name: _entries(text(directory, file)) for name, file in tables})
    return {}


def _entries(table: str) -> list[dict[str, Any]]:
    """Lines ``8:0 Read 4096`` or ``8:0 12``; the last, ``Total 4096``, is of no device."""
    found = []
    for line in table.splitlines():
        device, *rest = line.split()
        if ":" in device:
            major, minor = device.split(":")
            op = rest[0] if len(rest) > 1 else ""
            found.append(nonzero(major=int(major), minor=int(minor), op=op, value=int(rest[-1])))
    return found


def _hugetlb(paths: Mapping[str, str]) -> dict[str, Any]:
    """By page size: reservations where the kernel counts them, else page faults.

    A hybrid host may have this controller on v2."""
    directory = paths.get("hugetlb")
    if directory is None and "" in paths:
        from rung.runtime.cgroup.stats_v2 import hugetlb_v2

        return hugetlb_v2(paths[""])
    found = {}
    for size in page_sizes(directory, "usage_in_bytes"):
        prefix = f"hugetlb.{size}"
        if text(directory, f"{prefix}.rsvd.usage_in_bytes"):
            prefix += ".rsvd"
        found[size] = {
            **nonzero(
                usage=number(directory, f"{prefix}.usage_in_bytes"),
                max=number(directory, f"{prefix}.max_usage_in_bytes"),
            ),
            "failcnt": number(directory, f"{prefix}.failcnt"),
        }
    return found


def page_sizes(directory: str | None, usage: str) -> list[str]:
    """The sizes that have files in the cgroup."""
    from rung.posix import listdir

    if directory is None:
        return []
    names = [name.split(".") for name in listdir(directory) if name.startswith("hugetlb.")]
    return sorted(parts[1] for parts in names if parts[2:] == [usage])
