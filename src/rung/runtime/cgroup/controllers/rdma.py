"""``linux.resources.rdma``; config-linux.md#rdma. One file, the same in both forms."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.settings import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any


def rdma_writes(rdma: Any, controllers: Collection[str]) -> list[Write]:
    """One line a device."""
    where = place("rdma", "rdma", controllers)
    found = []
    for device, limits in rdma.items():
        parts = [device]
        for key, name in (("hca_handle", "hcaHandles"), ("hca_object", "hcaObjects")):
            if limits.get(name) is not None:
                parts.append(f"{key}={limits[name]}")
        found.append(Write(where, "rdma.max", " ".join(parts), f"linux.resources.rdma.{device}"))
    return found
