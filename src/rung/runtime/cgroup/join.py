"""This process into a cgroup, in every hierarchy that lets it."""

from __future__ import annotations

from rung import posix
from rung.runtime.cgroup.files import write
from rung.runtime.cgroup.hierarchy import hierarchies


def join_cgroup(path: str) -> None:
    """Go to ``path`` below each hierarchy's root; made where it is not there. Raises ``OSError``."""
    found = hierarchies()
    for root in dict.fromkeys([*found.v1.values(), *([found.v2] if found.v2 else [])]):
        directory = posix.join(root, path.lstrip("/"))
        posix.makedirs(directory, exist_ok=True)
        write(f"{directory}/cgroup.procs", "0")
