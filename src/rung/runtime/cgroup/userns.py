"""Are we in a user namespace? Asked only when the kernel has refused something."""

from __future__ import annotations

from rung.runtime.cgroup.files import read


def in_user_namespace() -> bool:
    """The first user namespace maps every id to itself."""
    return read("/proc/self/uid_map").split() != ["0", "0", "4294967295"]
