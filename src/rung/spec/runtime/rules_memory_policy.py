"""What makes a memory policy wrong: config-linux.md#memory-policy, set_mempolicy(2)."""

from __future__ import annotations

from rung.spec.errors import SpecError, shown
from rung.spec.runtime.idlist import NODES_MAX, bits_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import MemoryPolicy

_WITHOUT_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
_WITH_NODES = ("MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE")


def check_memory_policy(policy: MemoryPolicy) -> None:
    """Which modes go with nodes, and that these are numbers of nodes."""
    mode, nodes = policy["mode"], policy.get("nodes", "")
    field = "linux.memoryPolicy.nodes"
    try:
        count = bits_of(nodes, NODES_MAX).bit_count()
    except ValueError as error:
        raise SpecError(
            field, f"invalid memory policy nodes: {shown(str(error))} is none or no range", f"0 to {NODES_MAX - 1}"
        ) from None
    if mode in _WITHOUT_NODES and count:
        raise SpecError(field, f"{mode} mode requires 0 nodes but got {count}")
    if mode in _WITH_NODES and not count:
        raise SpecError(field, f"{mode} mode requires at least one node but got 0")
    if mode == "MPOL_DEFAULT" and policy.get("flags"):
        raise SpecError("linux.memoryPolicy.flags", "MPOL_DEFAULT takes none")
