"""The processes of a cgroup: listed, and signalled all together.

Between listing and signalling a process may fork; so they are frozen first, or the kernel
does all of it (cgroup.kill, Linux 5.14).
"""

from __future__ import annotations

from errno import EOPNOTSUPP

from rung import posix
from rung.runtime.cgroup.errors import failed
from rung.runtime.cgroup.files import is_gone, read, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cgroup.group import Cgroup

_SIGKILL = 9


def children_of(directory: str) -> list[str]:
    """The sub-cgroups."""
    try:
        with posix.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        if is_gone(error):
            return []
        raise failed("list cgroup", error) from None


def pids_in(directory: str, recursive: bool) -> list[int]:
    """Process ids inside; none where the cgroup is gone. Threaded cgroups list thread ids."""
    try:
        found = [int(line) for line in _listed(directory).split()]
    except OSError as error:
        if is_gone(error):
            return []
        raise failed("list the processes of", error) from None
    if recursive:
        for child in children_of(directory):
            found += pids_in(child, recursive=True)
    return found


def _listed(directory: str) -> str:
    try:
        return read(f"{directory}/cgroup.procs")
    except OSError as error:
        if error.errno != EOPNOTSUPP:
            raise
    return read(f"{directory}/cgroup.threads")


def kill(group: Cgroup, signal: int) -> None:
    """Signal all. After SIGKILL nothing stays frozen, so that it can die."""
    if signal == _SIGKILL and "" in group.paths and _kill_by_kernel(group.paths[""]) and group.v2_only:
        return
    if not group.pids():
        return
    was_frozen = group.frozen()
    if not was_frozen:
        group.freeze()
    try:
        for pid in group.pids():
            try:
                posix.kill(pid, signal)
            except ProcessLookupError:
                continue
    finally:
        if signal == _SIGKILL or not was_frozen:
            group.thaw()


def _kill_by_kernel(directory: str) -> bool:
    """Whether cgroup.kill did it."""
    try:
        write(f"{directory}/cgroup.kill", "1")
    except OSError as error:
        if is_gone(error):  # an older kernel, or nothing to kill
            return False
        raise failed("kill cgroup", error) from None
    return True
