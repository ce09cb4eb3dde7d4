"""``linux.resources.network``; config-linux.md#network. v1 only: v2 leaves it to eBPF and tc."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.settings import no_equivalent, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

_FIELD = "linux.resources.network."


def network_writes(network: Any, controllers: Collection[str]) -> list[Write]:
    """The class identifier and the interfaces' priorities."""
    found = []
    if class_id := network.get("classID"):
        if not place("net_cls", "network.classID", controllers):
            raise no_equivalent("network.classID")
        found.append(Write("net_cls", "net_cls.classid", str(class_id), _FIELD + "classID"))
    for entry in network.get("priorities") or ():
        if not place("net_prio", "network.priorities", controllers):
            raise no_equivalent("network.priorities")
        value = f"{entry['name']} {entry['priority']}"
        found.append(Write("net_prio", "net_prio.ifpriomap", value, _FIELD + "priorities"))
    return found
