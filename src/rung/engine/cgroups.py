"""Where a container's cgroup is: what the kernel counts there holds for every runtime's containers."""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine
    from rung.runtime import Cgroup


def path_of(engine: Engine, container: Container) -> str:
    """Below the hierarchies' roots; empty where the runtime chooses."""
    asked = str(container.host.get("CgroupParent") or "")
    if engine.outside is not None and not asked:
        return ""  # of an ordinary user's: the runtime takes those that are delegated, and none where none are
    parent = asked or engine.places.cgroup
    return f"{parent if parent.startswith('/') else f'/{parent}'}/{container.id}"


def found(engine: Engine, container: Container) -> Cgroup | None:
    """That of its run; None where there is none, or none any more."""
    from rung.runtime import Runtime, cgroup_at

    try:
        own = Runtime(f"{engine.places.runtime}/rung").get(container.id).cgroup
        if own.paths:
            return own
    except RungError:
        pass  # it is another runtime's, whose records tell ours nothing
    try:
        path = path_of(engine, container)
        other = cgroup_at(path) if path else None
        return other if other is not None and other.exists() else None
    except RungError:
        return None
