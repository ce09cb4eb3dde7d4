"""Which cgroups a caller without privilege can have.

A user has none but those that were delegated to it: directories that it may write to. A
container is then made in these, below its caller's own, and stays for the rest in those. Asked before
anything is made, by what the kernel says of access, so that nobody else's cgroup of the same
name is touched.
"""

from __future__ import annotations

from rung.posix import W_OK, X_OK, access, exists
from rung.runtime.cgroup.hierarchy import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cgroup.hierarchy import Hierarchies


def within_reach(found: Hierarchies, cgroups_path: str | None, container_id: str) -> dict[str, str]:
    """``locate``'s directories: all of a path that is asked for; else those that the caller may make,
    or may enter where they exist."""
    if cgroups_path:
        return locate(found, cgroups_path, container_id)
    return {
        controller: directory
        for controller, directory in locate(found, container_id, container_id).items()
        if _reachable(directory, "tasks" if controller else "cgroup.procs")
        and (controller or _may_move(directory, found.own.get("", found.v2)))
    }


def _reachable(directory: str, entry: str) -> bool:
    if exists(directory):
        return access(f"{directory}/{entry}", W_OK, effective_ids=True)
    above = directory.rpartition("/")[0]
    while not exists(above):
        above = above.rpartition("/")[0]
    return access(above, W_OK | X_OK, effective_ids=True)


def _may_move(directory: str, own: str) -> bool:
    """cgroup-v2.rst, "Delegation Containment": who moves a process needs write access to
    ``cgroup.procs`` of the nearest ancestor that the old and the new cgroup share."""
    shared = own
    while not f"{directory}/".startswith(f"{shared}/"):
        shared = shared.rpartition("/")[0]
    return access(f"{shared}/cgroup.procs", W_OK, effective_ids=True)
