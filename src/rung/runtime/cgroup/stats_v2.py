"""v2's counters, given the names and meanings they have on v1."""

from __future__ import annotations

from rung.runtime.cgroup.oom import keyed
from rung.runtime.cgroup.processes import pids_in
from rung.runtime.cgroup.stats import UNLIMITED, nonzero, number, numbers_of, text
from rung.runtime.cgroup.stats_v1 import page_sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_US_NS = 1000
_IO = {
    "rbytes": ("ioServiceBytesRecursive", "Read"),
    "wbytes": ("ioServiceBytesRecursive", "Write"),
    "rios": ("ioServicedRecursive", "Read"),
    "wios": ("ioServicedRecursive", "Write"),
}
_CPUSET_ON_V1_ONLY = (
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


def stats_v2(directory: str) -> dict[str, Any]:
    return {
        "cpu": {**_cpu(directory), **_pressure(directory, "cpu")},
        "cpuset": _cpuset(directory),
        "memory": {**_memory(directory), **_pressure(directory, "memory")},
        "pids": _pids(directory),
        "blkio": {**_io(directory), **_pressure(directory, "io")},
        "hugetlb": hugetlb_v2(directory),
    }


def _cpu(directory: str) -> dict[str, Any]:
    """cpu.stat counts microseconds and is there without the controller too."""
    found = keyed(text(directory, "cpu.stat"))
    return {
        "usage": {
            **nonzero(total=found.get("usage_usec", 0) * _US_NS),
            "kernel": found.get("system_usec", 0) * _US_NS,
            "user": found.get("user_usec", 0) * _US_NS,
        },
        "throttling": nonzero(
            periods=found.get("nr_periods"),
            throttledPeriods=found.get("nr_throttled"),
            throttledTime=found.get("throttled_usec", 0) * _US_NS,
        ),
    }


def _cpuset(directory: str) -> dict[str, Any]:
    return {
        **nonzero(
            cpus=numbers_of(text(directory, "cpuset.cpus.effective")),
            mems=numbers_of(text(directory, "cpuset.mems.effective")),
        ),
        **dict.fromkeys(_CPUSET_ON_V1_ONLY, 0),
    }


def _memory(directory: str) -> dict[str, Any]:
    raw = keyed(text(directory, "memory.stat"))
    usage, limit = number(directory, "memory.current"), number(directory, "memory.max")
    both_usage = usage + number(directory, "memory.swap.current")
    both_limit = min(limit + number(directory, "memory.swap.max"), UNLIMITED)
    none = {"limit": 0, "failcnt": 0}
    return {
        **nonzero(cache=raw.get("file")),
        "usage": {"limit": limit, **nonzero(usage=usage, max=number(directory, "memory.peak")), "failcnt": 0},
        # v1 counts memory and swap together, so that is what "swap" means to readers.
        "swap": {"limit": both_limit, **nonzero(usage=both_usage), "failcnt": 0},
        "kernel": none,
        "kernelTCP": none,
        **nonzero(raw=raw),
    }


def _pids(directory: str) -> dict[str, Any]:
    """Without the controller the processes are counted."""
    if not text(directory, "pids.current"):
        return nonzero(current=len(pids_in(directory, recursive=False)))
    limit = number(directory, "pids.max")
    return nonzero(current=number(directory, "pids.current"), limit=0 if limit == UNLIMITED else limit)


def _io(directory: str) -> dict[str, Any]:
    """io.stat: ``8:0 rbytes=1 wbytes=2 ...``, a device a line; devices idle so far have none."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for line in text(directory, "io.stat").splitlines():
        device, *pairs = line.split()
        major, _, minor = device.partition(":")
        for pair in pairs:
            key, _, value = pair.partition("=")
            if key in _IO:
                table, op = _IO[key]
                entry = nonzero(major=int(major), minor=int(minor), op=op, value=int(value))
                tables.setdefault(table, []).append(entry)
    return tables


def hugetlb_v2(directory: str) -> dict[str, Any]:
    """By page size; v2 counts refusals as events."""
    found = {}
    for size in page_sizes(directory, "current"):
        reserved = text(directory, f"hugetlb.{size}.rsvd.current")
        found[size] = {
            **nonzero(usage=int(reserved or number(directory, f"hugetlb.{size}.current"))),
            "failcnt": keyed(text(directory, f"hugetlb.{size}.events")).get("max", 0),
        }
    return found


def _pressure(directory: str, what: str) -> dict[str, Any]:
    """Pressure stall information; kernels built without it, or told not to, refuse to read."""
    from errno import EOPNOTSUPP

    try:
        lines = text(directory, f"{what}.pressure").splitlines()
    except OSError as error:
        if error.errno == EOPNOTSUPP:
            return {}
        raise
    psi: dict[str, Any] = {}
    for line in lines:
        kind, *pairs = line.split()
        values = dict(pair.split("=") for pair in pairs)
        psi[kind] = {key: int(v) if key == "total" else float(v) for key, v in values.items()}
    return {"psi": psi} if psi else {}
