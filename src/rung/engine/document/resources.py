"""Limits: HostConfig's fields as the runtime's resources (config-linux.md#control-groups)."""

from __future__ import annotations

import os

from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_PERIOD_US = 100_000
_LEAST_MEMORY = 6 << 20


def check(host: Mapping[str, Any]) -> None:
    """What contradicts itself, in Docker's words. Raises ``BadParameter``."""
    for wrong, said in (*_memory_mistakes(host), *_cpu_mistakes(host)):
        if wrong:
            raise BadParameter(said)
    for field, what, path in (("CpusetCpus", "cpus", "cpu/online"), ("CpusetMems", "mems", "node/online")):
        if host.get(field):
            _check_set(str(host[field]), what, path)
    weight = int(host.get("BlkioWeight") or 0)
    if weight and not 10 <= weight <= 1000:
        raise BadParameter("Range of blkio weight is from 10 to 1000")


def _memory_mistakes(host: Mapping[str, Any]) -> list[tuple[bool, str]]:
    memory, swap, reserved = (
        int(host.get(name) or 0) for name in ("Memory", "MemorySwap", "MemoryReservation")
    )
    swappiness = host.get("MemorySwappiness")
    wrong = swappiness is not None and int(swappiness) != -1 and not 0 <= int(swappiness) <= 100
    return [
        (memory != 0 and memory < _LEAST_MEMORY, "Minimum memory limit allowed is 6MB"),
        (0 < swap < memory, "Minimum memoryswap limit should be larger than memory limit, see usage"),
        (
            not memory and swap > 0,
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (wrong, f"Invalid value: {swappiness}, valid memory swappiness range is 0-100"),
        (0 < reserved < _LEAST_MEMORY, "Minimum memory reservation allowed is 6MB"),
        (
            0 < memory < reserved,
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
    ]


def _cpu_mistakes(host: Mapping[str, Any]) -> list[tuple[bool, str]]:
    nano, period, quota = (int(host.get(name) or 0) for name in ("NanoCpus", "CpuPeriod", "CpuQuota"))
    count = os.cpu_count() or 1
    there = f"Range of CPUs is from 0.01 to {count}.00, as there are only {count} CPUs available"
    either = "Conflicting options: Nano CPUs and CPU {} cannot both be set"
    least = "can not be less than 1ms (i.e. 1000)"
    return [
        (bool(nano and period), either.format("Period")),
        (bool(nano and quota), either.format("Quota")),
        (nano < 0 or nano > count * 1_000_000_000, there),
        (
            period != 0 and not 1000 <= period <= 1_000_000,
            f"CPU cfs period {least} or larger than 1s (i.e. 1000000)",
        ),
        (0 < quota < 1000, f"CPU cfs quota {least}"),
    ]


def _check_set(text: str, what: str, path: str) -> None:
    """Numbers and ranges of processors or memory nodes: readable, and there."""
    asked = _numbers_of(text)
    if asked is None:
        raise BadParameter(f"Invalid value {text} for cpuset {what}: invalid format: {text}")
    try:
        with open(f"/sys/devices/system/{path}") as file:
            there = file.read().strip()
    except OSError:
        there = "0"
    if asked - (_numbers_of(there) or {0}):
        kind = "CPUs" if what == "cpus" else "memory nodes"
        raise BadParameter(f"Requested {kind} are not available - requested {text}, available: {there}")


def _numbers_of(text: str) -> set[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) > 1 << 13:
            return None
        found |= set(range(int(first), int(last or first) + 1))
    return found


def resources(host: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them."""
    found: dict[str, Any] = {"devices": list(devices)}
    for name, part in (("memory", _memory(host)), ("cpu", _cpu(host)), ("blockIO", _block(host))):
        if part:
            found[name] = part
    if host.get("PidsLimit") and int(host["PidsLimit"]) != 0:
        found["pids"] = {"limit": max(-1, int(host["PidsLimit"]))}
    return found


def _memory(host: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    limit, swap = int(host.get("Memory") or 0), int(host.get("MemorySwap") or 0)
    if limit > 0:
        found["limit"] = limit
        found["swap"] = swap if swap else 2 * limit
    if int(host.get("MemoryReservation") or 0) > 0:
        found["reservation"] = int(host["MemoryReservation"])
    swappiness = host.get("MemorySwappiness")
    if swappiness is not None and int(swappiness) >= 0:
        found["swappiness"] = int(swappiness)
    if host.get("OomKillDisable"):
        found["disableOOMKiller"] = True
    return found


def _cpu(host: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if host.get("NanoCpus"):
        found["quota"] = int(host["NanoCpus"]) * _PERIOD_US // 1_000_000_000
        found["period"] = _PERIOD_US
    for name, field in (
        ("shares", "CpuShares"),
        ("quota", "CpuQuota"),
        ("period", "CpuPeriod"),
        ("realtimePeriod", "CpuRealtimePeriod"),
        ("realtimeRuntime", "CpuRealtimeRuntime"),
    ):
        if host.get(field):
            found[name] = int(host[field])
    for name, field in (("cpus", "CpusetCpus"), ("mems", "CpusetMems")):
        if host.get(field):
            found[name] = str(host[field])
    return found


_THROTTLES = {
    "throttleReadBpsDevice": "BlkioDeviceReadBps",
    "throttleWriteBpsDevice": "BlkioDeviceWriteBps",
    "throttleReadIOPSDevice": "BlkioDeviceReadIOps",
    "throttleWriteIOPSDevice": "BlkioDeviceWriteIOps",
}


def _block(host: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if host.get("BlkioWeight"):
        found["weight"] = int(host["BlkioWeight"])
    if host.get("BlkioWeightDevice"):
        found["weightDevice"] = [
            {**_numbers(one["Path"]), "weight": int(one["Weight"])} for one in host["BlkioWeightDevice"]
        ]
    for name, field in _THROTTLES.items():
        if host.get(field):
            found[name] = [{**_numbers(one["Path"]), "rate": int(one["Rate"])} for one in host[field]]
    return found


def _numbers(path: str) -> dict[str, int]:
    try:
        number = os.stat(path).st_rdev
    except OSError as error:
        raise BadParameter(f"no such device: {path}: {error.strerror}") from None
    return {"major": os.major(number), "minor": os.minor(number)}


def update(host: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """HostConfig after ``docker update``: what is named changes."""
    fields = (
        "BlkioWeight CpuShares CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems Memory "
        "MemoryReservation MemorySwap NanoCpus PidsLimit RestartPolicy"
    ).split()
    changed = {name: asked[name] for name in fields if asked.get(name) not in (None, 0, "")}
    if changed.get("RestartPolicy", {}).get("Name", "x") == "":
        del changed["RestartPolicy"]
    found = {**host, **changed}
    if changed.get("Memory") and not changed.get("MemorySwap"):
        found["MemorySwap"] = host.get("MemorySwap") or 0
    check(found)
    return found
