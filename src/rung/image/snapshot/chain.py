"""Chain IDs: which layers, in which order, a directory of files stands on.

OCI image specification, config.md#layer-chainid.
"""

from __future__ import annotations

from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def chain_ids(diff_ids: Sequence[Digest]) -> list[Digest]:
    """The chain ID of each layer, base first: ``ChainID(L0|...|Ln)`` is
    ``Digest(ChainID(L0|...|Ln-1) + " " + DiffID(Ln))``, and the base's its diff ID."""
    chains: list[Digest] = []
    for diff_id in diff_ids:
        chains.append(Digest.of(f"{chains[-1]} {diff_id}".encode()) if chains else diff_id)
    return chains
