"""How systemd has its values: no limit is the largest number, CPU sets are bits, quotas are per second. Pure."""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd.marshal import Variant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import Resources

    Property = tuple[str, Variant]

INFINITY = (1 << 64) - 1
_SECOND_US, _ROUND_US, _PERIOD_US = 1_000_000, 10_000, 100_000
_LARGEST_INDEX = 1 << 16


def number(value: int) -> Variant:
    """Bytes; any negative number is none."""
    return Variant("t", INFINITY if value < 0 else value)


def with_whole_percents(resources: Resources) -> Resources:
    """With the quota that systemd makes of the one asked for, so that the cgroup and the unit say the same."""
    cpu = resources.get("cpu") or {}
    quota, period = cpu.get("quota") or 0, cpu.get("period") or _PERIOD_US
    if quota <= 0:
        return resources
    return {**resources, "cpu": {**cpu, "quota": _rounded(quota, period) * period // _SECOND_US}}


def _rounded(quota: int, period: int) -> int:
    per_second = quota * _SECOND_US // period
    return per_second + -per_second % _ROUND_US


def cpu_quota(quota: int, period: int) -> list[Property]:
    """systemd keeps whole per cents; rounded up, so that nothing below gets less than it was promised."""
    found = []
    if period:
        found.append(("CPUQuotaPeriodUSec", Variant("t", period)))
    if quota or period:
        per_second = INFINITY
        if quota > 0:
            per_second = _rounded(quota, period or _PERIOD_US)
        found.append(("CPUQuotaPerSecUSec", Variant("t", per_second)))
    return found


def bits(text: str, field: str) -> bytes:
    """``0-2,5`` as the bytes of a mask, the lowest first."""
    mask = 0
    for part in text.replace(" ", "").strip(",").split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) > _LARGEST_INDEX:
            raise CgroupError(f"set {field}", f"to {text}", "it is no list like 0-2,5")
        for index in range(int(first), int(last or first) + 1):
            mask |= 1 << index
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
