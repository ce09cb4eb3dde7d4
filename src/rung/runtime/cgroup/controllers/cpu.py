"""``linux.resources.cpu`` but for the cpuset; config-linux.md#cpu.

v1 has shares (2 to 262144), v2 a weight (1 to 10000): ``weight_of_shares``. A quota and
its period, and the real-time pair, bound each other, hence ``retry``.
"""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import no_equivalent, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rung.spec.runtime.config import CPU

_FIELD = "linux.resources.cpu."
_DEFAULT_PERIOD_US = 100000


def cpu_writes(cpu: CPU, controllers: Collection[str]) -> list[Write]:
    """Shares, bandwidth, idle, real-time."""
    names = ("shares", "quota", "period", "realtimeRuntime", "realtimePeriod")
    if cpu.get("burst") is None and cpu.get("idle") is None and not any(cpu.get(name) for name in names):
        return []
    return list(_v1(cpu) if place("cpu", "cpu", controllers) else _v2(cpu))


def _v1(cpu: CPU) -> Iterator[Write]:
    idle, shares = cpu.get("idle"), cpu.get("shares")
    if idle is not None:
        yield Write("cpu", "cpu.idle", str(idle), _FIELD + "idle")
    if shares and not idle:  # an idle group has no weight to set
        yield Write("cpu", "cpu.shares", str(shares), _FIELD + "shares", verify=True)
    quota, period, burst = cpu.get("quota"), cpu.get("period"), cpu.get("burst")
    if period:
        yield Write("cpu", "cpu.cfs_period_us", str(period), _FIELD + "period", retry=bool(quota))
    if burst is not None:
        yield Write("cpu", "cpu.cfs_burst_us", str(burst), _FIELD + "burst", optional=True, retry=bool(quota))
    if quota:
        yield Write("cpu", "cpu.cfs_quota_us", str(quota), _FIELD + "quota", retry=bool(period))
    yield from _realtime(cpu)


def _realtime(cpu: CPU) -> Iterator[Write]:
    runtime, period = cpu.get("realtimeRuntime"), cpu.get("realtimePeriod")
    if period:
        yield Write("cpu", "cpu.rt_period_us", str(period), _FIELD + "realtimePeriod", retry=bool(runtime))
    if runtime:
        yield Write("cpu", "cpu.rt_runtime_us", str(runtime), _FIELD + "realtimeRuntime", retry=bool(period))


def _v2(cpu: CPU) -> Iterator[Write]:
    for name in ("realtimeRuntime", "realtimePeriod"):
        if cpu.get(name):
            raise no_equivalent(f"cpu.{name}")
    idle, shares = cpu.get("idle"), cpu.get("shares")
    if idle is not None:
        yield Write("", "cpu.idle", str(idle), _FIELD + "idle")
    if shares and not idle:
        yield Write("", "cpu.weight", str(weight_of_shares(shares)), _FIELD + "shares")
    quota, period, burst = cpu.get("quota"), cpu.get("period"), cpu.get("burst")
    if burst is not None:
        yield Write("", "cpu.max.burst", str(burst), _FIELD + "burst", retry=bool(quota))
    if quota or period:
        amount = str(quota) if quota and quota > 0 else "max"
        field = _FIELD + ("quota" if quota else "period")
        yield Write("", "cpu.max", f"{amount} {period or _DEFAULT_PERIOD_US}", field)


def weight_of_shares(shares: int) -> int:
    """cpu.shares as cpu.weight: 2 -> 1, 1024 -> 100, 262144 -> 10000.

    The curve that runc and crun agreed on, a parabola between the logarithms, which
    keeps the default at the default; the older linear one made 1024 into 39."""
    if shares <= 2:
        return 1
    if shares >= 262144:
        return 10000
    from math import ceil, log2

    power = log2(shares)
    return ceil(10 ** ((power * power + 125 * power) / 612.0 - 7.0 / 34.0))
