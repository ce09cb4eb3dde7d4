"""``linux.resources.network``; config-linux.md#network. v1 only: v2 leaves it to eBPF and tc."""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.hints import missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from rung.spec.runtime.config import Network

_FIELD = "linux.resources.network."


def network_writes(network: Network, controllers: Collection[str]) -> list[Write]:
    """The class identifier and the interfaces' priorities."""
    found = []
    if class_id := network.get("classID"):
        _need("net_cls", "network.classID", controllers)
        found.append(Write("net_cls", "net_cls.classid", str(class_id), _FIELD + "classID"))
    for entry in network.get("priorities") or ():
        _need("net_prio", "network.priorities", controllers)
        value = f"{entry['name']} {entry['priority']}"
        found.append(Write("net_prio", "net_prio.ifpriomap", value, _FIELD + "priorities"))
    return found


def _need(controller: str, field: str, controllers: Collection[str]) -> None:
    if controller not in controllers:
        raise missing(controller, f"linux.resources.{field}")
