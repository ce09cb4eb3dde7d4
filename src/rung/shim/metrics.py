"""The runtime's statistics (the shape of ``runc events --stats``) as containerd's metrics."""

from __future__ import annotations

from rung.spec.shim import metrics as messages
from rung.spec.shim.common import Anything

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.spec.protobuf import Message

_US_NS = 1000


def metrics(stats: Mapping[str, Any]) -> Anything:
    """Which of the two messages it is, tells the kernel's own memory statistics: only v1 has limits in them."""
    memory = stats.get("memory") or {}
    if "hierarchical_memory_limit" in (memory.get("raw") or {}):
        return Anything(type_url=messages.V1_URL, value=v1(stats).encode())
    return Anything(type_url=messages.V2_URL, value=v2(stats).encode())


def _known(kind: type[Message], values: Mapping[str, int]) -> dict[str, int]:
    """Those of the values that the message has fields for."""
    return {name: value for name, value in values.items() if name in kind.names()}


def v1(stats: Mapping[str, Any]) -> messages.Metrics1:
    """Of a host with cgroup v1."""
    memory = stats.get("memory") or {}
    cpu = stats.get("cpu") or {}
    usage, throttling = cpu.get("usage") or {}, cpu.get("throttling") or {}
    blkio = stats.get("blkio") or {}
    entries = {name: memory.get(key) for name, key in _MEMORY_V1.items()}
    return messages.Metrics1(
        pids=messages.Pids(**_known(messages.Pids, stats.get("pids") or {})),
        cpu=messages.Cpu1(
            usage=messages.CpuUsage1(
                total=usage.get("total", 0),
                kernel=usage.get("kernel", 0),
                user=usage.get("user", 0),
                per_cpu=usage.get("percpu", []),
            ),
            throttling=messages.Throttle1(
                periods=throttling.get("periods", 0),
                throttled_periods=throttling.get("throttledPeriods", 0),
                throttled_time=throttling.get("throttledTime", 0),
            ),
        ),
        memory=messages.Memory1(
            **{
                **_known(messages.Memory1, memory.get("raw") or {}),  # has a "swap", too
                **{name: messages.MemoryEntry1(**entry) for name, entry in entries.items() if entry is not None},
            }
        ),
        blkio=messages.Blkio1(
            **{
                name: [messages.BlkioEntry1(**each) for each in blkio.get(key) or ()]
                for name, key in _BLKIO_V1.items()
            }
        ),
        hugetlb=[
            messages.Hugetlb1(**_known(messages.Hugetlb1, each), pagesize=size)
            for size, each in (stats.get("hugetlb") or {}).items()
        ],
    )


_MEMORY_V1 = {"usage": "usage", "swap": "swap", "kernel": "kernel", "kernel_tcp": "kernelTCP"}
_BLKIO_V1 = {
    "io_service_bytes_recursive": "ioServiceBytesRecursive",
    "io_serviced_recursive": "ioServicedRecursive",
    "io_queued_recursive": "ioQueueRecursive",
    "io_service_time_recursive": "ioServiceTimeRecursive",
    "io_wait_time_recursive": "ioWaitTimeRecursive",
    "io_merged_recursive": "ioMergedRecursive",
    "io_time_recursive": "ioTimeRecursive",
    "sectors_recursive": "sectorsRecursive",
}


def v2(stats: Mapping[str, Any]) -> messages.Metrics2:
    """Of a host with cgroup v2."""
    memory = stats.get("memory") or {}
    cpu = stats.get("cpu") or {}
    usage, throttling = cpu.get("usage") or {}, cpu.get("throttling") or {}
    of_memory, of_swap = memory.get("usage") or {}, memory.get("swap") or {}
    used = of_memory.get("usage", 0)
    limit = of_memory.get("limit", 0)
    return messages.Metrics2(
        pids=messages.Pids(**_known(messages.Pids, stats.get("pids") or {})),
        cpu=messages.Cpu2(
            usage_usec=usage.get("total", 0) // _US_NS,
            user_usec=usage.get("user", 0) // _US_NS,
            system_usec=usage.get("kernel", 0) // _US_NS,
            nr_periods=throttling.get("periods", 0),
            nr_throttled=throttling.get("throttledPeriods", 0),
            throttled_usec=throttling.get("throttledTime", 0) // _US_NS,
        ),
        memory=messages.Memory2(
            **{k: v for k, v in _known(messages.Memory2, memory.get("raw") or {}).items() if k not in _MEMORY_V2},
            usage=used,
            usage_limit=limit,
            swap_usage=max(0, of_swap.get("usage", 0) - used),
            swap_limit=max(0, of_swap.get("limit", 0) - limit),
            max_usage=of_memory.get("max", 0),
        ),
        io=messages.Io2(usage=_io(stats.get("blkio") or {})),
        hugetlb=[
            messages.Hugetlb2(
                current=each.get("usage", 0), max=each.get("max", 0), pagesize=size, failcnt=each["failcnt"]
            )
            for size, each in (stats.get("hugetlb") or {}).items()
        ],
    )


#: What is no line of memory.stat.
_MEMORY_V2 = ("usage", "usage_limit", "swap_usage", "swap_limit", "max_usage")
_IO_V2 = (
    ("ioServiceBytesRecursive", "Read", "rbytes"),
    ("ioServiceBytesRecursive", "Write", "wbytes"),
    ("ioServicedRecursive", "Read", "rios"),
    ("ioServicedRecursive", "Write", "wios"),
)


def _io(blkio: Mapping[str, Any]) -> list[messages.Io2Entry]:
    """An entry a device."""
    devices: dict[tuple[int, int], dict[str, int]] = {}
    for table, op, name in _IO_V2:
        for entry in blkio.get(table) or ():
            if entry.get("op") == op:
                device = entry.get("major", 0), entry.get("minor", 0)
                devices.setdefault(device, {})[name] = entry.get("value", 0)
    return [messages.Io2Entry(major=major, minor=minor, **found) for (major, minor), found in devices.items()]
