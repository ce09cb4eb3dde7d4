"""A container's cgroups on v1, v2 and hybrid hosts: the cgroupfs driver.

Which directories (hierarchy.py) and which values (limits.py, controllers/) is decided
as data; group.py carries it out. What a plain start does not need is imported on use.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.group import Cgroup
from rung.runtime.cgroup.hierarchy import Hierarchies, hierarchies, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cgroup.controllers.devices import DEFAULT_DEVICE_RULES
    from rung.runtime.cgroup.device_filter import device_program
    from rung.runtime.cgroup.files import Write
    from rung.runtime.cgroup.limits import settings
    from rung.runtime.cgroup.oom import OomWatch
    from rung.runtime.cgroup.reach import within_reach
    from rung.runtime.cgroup.update import updated

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
    "Hierarchies",
    "OomWatch",
    "Write",
    "device_program",
    "hierarchies",
    "locate",
    "settings",
    "updated",
    "within_reach",
]


def __getattr__(name: str) -> object:
    if name not in _RARE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(__import__(f"{__name__}.{_RARE[name]}", fromlist=[name]), name)
