"""Limits: HostConfig's fields as the runtime's resources (config-linux.md#control-groups)."""

from __future__ import annotations

from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_PERIOD_US = 100_000
_LEAST_MEMORY = 6 << 20


def check(host: Mapping[str, Any]) -> None:
    """What contradicts itself, in Docker's words. Raises ``BadParameter``."""
    memory, swap = int(host.get("Memory") or 0), int(host.get("MemorySwap") or 0)
    if 0 < memory < _LEAST_MEMORY:
        raise BadParameter("Minimum memory limit allowed is 6MB")
    if memory > 0 and 0 < swap < memory:
        raise BadParameter(
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if not memory and swap > 0:
        raise BadParameter("You should always set the Memory limit when using Memoryswap limit, see usage")
    if host.get("NanoCpus") and (host.get("CpuPeriod") or host.get("CpuQuota")):
        raise BadParameter("Conflicting options: Nano CPUs and CPU Period/Quota cannot both be set")
    if memory and int(host.get("MemoryReservation") or 0) > memory:
        raise BadParameter("Minimum memory limit can not be less than memory reservation limit, see usage")


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
    import os

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
