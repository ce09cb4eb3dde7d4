"""What another runtime has of a container whose shim was killed: taken away as the shim would have, by that runtime's
program, or through the other shim that kept it. Which it was lies in the bundle (``settings``)."""

from __future__ import annotations

from rung.shim.settings import recall


def clear(container_id: str, bundle: str) -> None:
    """Kill it and take it away; nothing to do for a container of Rung's own runtime. Raises ``ShimError``."""
    used = recall(bundle)
    if used is None or not used.program:
        return
    from rung.shim.runtimes import runtime

    runtime(container_id, used).delete(force=True)
