"""A container's cgroups on v1, v2 and hybrid hosts: by the file system, or by systemd (``systemd/``).

Which directories (hierarchy.py) and which values (limits.py, controllers/) is decided
as data; group.py carries it out. What a plain start does not need is imported on use.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.group import Cgroup
from rung.runtime.cgroup.hierarchy import Hierarchies, hierarchies, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.runtime.cgroup.controllers.devices import DEFAULT_DEVICE_RULES
    from rung.runtime.cgroup.device_filter import device_program
    from rung.runtime.cgroup.files import Write
    from rung.runtime.cgroup.limits import settings
    from rung.runtime.cgroup.oom import OomWatch
    from rung.runtime.cgroup.reach import within_reach
    from rung.runtime.cgroup.update import updated

def made_by(paths: dict[str, str], unit: dict[str, Any]) -> Cgroup:
    """The cgroups of a container by its record; ``unit``: systemd's, empty where there is none."""
    if not unit:
        return Cgroup(paths)
    from rung.runtime.cgroup.systemd.driver import SystemdCgroup
    from rung.runtime.cgroup.systemd.names import Unit

    return SystemdCgroup(paths, Unit(**unit))


#: Who makes a container's cgroups, and where: see ``place``. But for ``REACHABLE`` these are the
#: command line's words.
PLAIN, REACHABLE, SYSTEMD, DISABLED = "cgroupfs", "reachable", "systemd", "disabled"


def place(
    how: str,
    found: Hierarchies,
    cgroups_path: str | None,
    container_id: str,
    annotations: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], dict[str, Any]]:
    """``(directories, unit)`` of a container to be; see ``made_by``. ``REACHABLE``: those that a caller
    without privilege can have; ``DISABLED``: none, the container stays in its caller's."""
    if how == PLAIN:
        return locate(found, cgroups_path, container_id), {}
    if how == DISABLED:
        return {}, {}
    if how == REACHABLE:
        from rung.runtime.cgroup.reach import within_reach

        return within_reach(found, cgroups_path, container_id), {}
    from rung.runtime.cgroup.systemd.driver import place as place_of_unit

    unit, paths = place_of_unit(found, cgroups_path, container_id, annotations or {})
    return paths, dict(unit.__dict__)


_RARE = {
    "DEFAULT_DEVICE_RULES": "controllers.devices",
    "OomWatch": "oom",
    "Write": "files",
    "device_program": "device_filter",
    "settings": "limits",
    "within_reach": "reach",
    "updated": "update",
}

__all__ = [
    "Cgroup",
    "CgroupError",
    "DEFAULT_DEVICE_RULES",
    "DISABLED",
    "Hierarchies",
    "OomWatch",
    "PLAIN",
    "REACHABLE",
    "SYSTEMD",
    "Write",
    "device_program",
    "hierarchies",
    "locate",
    "made_by",
    "place",
    "settings",
    "updated",
    "within_reach",
]


def __getattr__(name: str) -> object:
    if name not in _RARE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(__import__(f"{__name__}.{_RARE[name]}", fromlist=[name]), name)
