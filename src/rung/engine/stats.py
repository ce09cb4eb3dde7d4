"""How much a container uses, in Docker's words: its cgroup's numbers, and the network's.

The kernel is asked in a thread of the engine's; a pause is Docker's second.
"""

from __future__ import annotations

import os
from time import time_ns

from rung.engine import cgroups
from rung.errors import RungError
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine
    from rung.runtime import Cgroup

NEVER = "0001-01-01T00:00:00Z"
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_UNLIMITED = 1 << 62
_BLOCK = {
    "io_service_bytes_recursive": "ioServiceBytesRecursive",
    "io_serviced_recursive": "ioServicedRecursive",
    "io_queue_recursive": "ioQueueRecursive",
    "io_service_time_recursive": "ioServiceTimeRecursive",
    "io_wait_time_recursive": "ioWaitTimeRecursive",
    "io_merged_recursive": "ioMergedRecursive",
    "io_time_recursive": "ioTimeRecursive",
    "sectors_recursive": "sectorsRecursive",
}


def sample(engine: Engine, container: Container, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """One of Docker's stats objects; ``before`` is the last one. Of a container that does not run: zeros."""
    found: dict[str, Any] = {}
    networks: dict[str, Any] = {}
    if container.state.pid:
        cgroup = cgroups.found(engine, container)
        found = _read(cgroup) if cgroup is not None else {}
        networks = _networks(container.state.pid)
    memory, cpu = _memory(found.get("memory") or {}), _cpu(found.get("cpu") or {})
    nothing = {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}
    empty = {"cpu_usage": nothing, "throttling_data": _NONE}
    document = {
        "read": timestamp(time_ns()) if found else NEVER,
        "preread": before["read"] if before else NEVER,
        "pids_stats": found.get("pids") or {},
        "blkio_stats": _block(found.get("blkio") or {}),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": cpu if found else empty,
        "precpu_stats": before["cpu_stats"] if before else empty,
        "memory_stats": memory if found else {},
        "name": f"/{container.name}",
        "id": container.id,
    }
    if networks:
        document["networks"] = networks
    return document


def _read(cgroup: Cgroup) -> dict[str, Any]:
    """Its numbers; none where the container has ended while they were read."""
    try:
        return cgroup.stats()
    except RungError:
        if cgroup.exists():
            raise
        return {}


_NONE = {"periods": 0, "throttled_periods": 0, "throttled_time": 0}


def _cpu(found: Mapping[str, Any]) -> dict[str, Any]:
    usage, throttling = found.get("usage") or {}, found.get("throttling") or {}
    own: dict[str, Any] = {
        "total_usage": usage.get("total", 0),
        "usage_in_kernelmode": usage.get("kernel", 0),
        "usage_in_usermode": usage.get("user", 0),
    }
    if usage.get("percpu"):
        own["percpu_usage"] = usage["percpu"]
    return {
        "cpu_usage": own,
        "system_cpu_usage": _system_ns(),
        "online_cpus": os.cpu_count() or 1,
        "throttling_data": {
            "periods": throttling.get("periods", 0),
            "throttled_periods": throttling.get("throttledPeriods", 0),
            "throttled_time": throttling.get("throttledTime", 0),
        },
    }


def _system_ns() -> int:
    """All processors' time since the start: the first line of /proc/stat, without what guests used twice."""
    with open("/proc/stat") as file:
        return sum(map(int, file.readline().split()[1:8])) * _TICK_NS


def _memory(found: Mapping[str, Any]) -> dict[str, Any]:
    usage = found.get("usage") or {}
    limit = usage.get("limit", 0)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    document: dict[str, Any] = {"usage": usage.get("usage", 0), "stats": found.get("raw") or {}}
    if usage.get("max"):
        document["max_usage"] = usage["max"]
    if usage.get("failcnt"):
        document["failcnt"] = usage["failcnt"]
    document["limit"] = limit if 0 < limit < min(machine, _UNLIMITED) else machine
    return document


def _block(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [
            {
                "major": one.get("major", 0),
                "minor": one.get("minor", 0),
                "op": str(one.get("op", "")).lower(),
                "value": one.get("value", 0),
            }
            for one in found.get(key) or ()
        ]
        or None
        for name, key in _BLOCK.items()
    }


def _networks(pid: int) -> dict[str, Any]:
    """/proc/PID/net/dev: interfaces but the loopback."""
    names = ("bytes", "packets", "errors", "dropped")
    found = {}
    try:
        with open(f"/proc/{pid}/net/dev") as file:
            lines = file.readlines()[2:]
    except OSError:
        return {}
    for line in lines:
        name, _, numbers = line.partition(":")
        values = list(map(int, numbers.split()))
        if name.strip() != "lo" and len(values) >= 12:
            received = {f"rx_{key}": value for key, value in zip(names, values[:4])}
            found[name.strip()] = received | {f"tx_{key}": value for key, value in zip(names, values[8:12])}
    return found
