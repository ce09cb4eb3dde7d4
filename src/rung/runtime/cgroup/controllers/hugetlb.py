"""``linux.resources.hugepageLimits``; config-linux.md#huge-page-limits.

The limit holds for reservations where the kernel can (5.7), and for page faults."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rung.spec.runtime.config import HugepageLimit


def hugetlb_writes(limits: Sequence[HugepageLimit], controllers: Collection[str]) -> list[Write]:
    """Two writes for each page size."""
    where = place("hugetlb", "hugepageLimits", controllers)
    suffix = "limit_in_bytes" if where else "max"
    found = []
    for entry in limits:
        size, limit = entry["pageSize"], str(entry["limit"])
        field = f"linux.resources.hugepageLimits {size}"
        found.append(Write(where, f"hugetlb.{size}.{suffix}", limit, field))
        found.append(Write(where, f"hugetlb.{size}.rsvd.{suffix}", limit, field, optional=True))
    return found
