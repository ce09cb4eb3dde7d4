"""``linux.resources.rdma``; config-linux.md#rdma. One file, the same in both forms."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rung.spec.runtime.config import Rdma


def rdma_writes(rdma: Mapping[str, Rdma], controllers: Collection[str]) -> list[Write]:
    """One line a device."""
    where = place("rdma", "rdma", controllers)
    found = []
    for device, limits in rdma.items():
        parts = [device]
        if "hcaHandles" in limits:
            parts.append(f"hca_handle={limits['hcaHandles']}")
        if "hcaObjects" in limits:
            parts.append(f"hca_object={limits['hcaObjects']}")
        found.append(Write(where, "rdma.max", " ".join(parts), f"linux.resources.rdma.{device}"))
    return found
