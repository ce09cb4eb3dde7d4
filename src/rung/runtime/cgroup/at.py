"""The cgroup of a container that another runtime has made, at the path that it was told (``linux.cgroupsPath``)."""

from __future__ import annotations

from rung.runtime.cgroup.group import Cgroup
from rung.runtime.cgroup.hierarchy import hierarchies, locate


def cgroup_at(path: str) -> Cgroup:
    """``path`` is absolute. Whether it is there, ``exists`` says. Raises ``CgroupError``."""
    return Cgroup(locate(hierarchies(), path, ""))
