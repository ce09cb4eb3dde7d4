"""``linux.resources.pids``; config-linux.md#pids. One file, the same in both forms.

A limit of 0 is 1, as with runc: either lets the container have its first process and no other, and
systemd, whose TasksMax is the same limit, knows no 0."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def pids_writes(limit: int, controllers: Collection[str]) -> list[Write]:
    """Negative: no limit, which needs no controller."""
    if limit < 0 and "pids" not in controllers and "" not in controllers:
        return []
    where = place("pids", "pids.limit", controllers)
    return [Write(where, "pids.max", "max" if limit < 0 else str(limit or 1), "linux.resources.pids.limit")]
