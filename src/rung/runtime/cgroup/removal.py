"""Removing a cgroup that does not go at once: sub-cgroups first, the dying waited for.

``rmdir`` gives EBUSY while there are sub-cgroups or processes. A killed process leaves
its cgroup when it exits, which its pidfd tells; the little that is left after that (the
kernel's own clean-up) has no event, so then it is asked again at short intervals.
"""

from __future__ import annotations

from errno import EBUSY
from time import monotonic

from rung import posix
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.processes import children_of, pids_in

_PAUSE_MS = 2


def remove_tree(directory: str, timeout_s: float) -> None:
    """Remove a cgroup and all below it within the time, or raise ``CgroupError``."""
    _remove(directory, monotonic() + timeout_s)


def _remove(directory: str, deadline: float) -> None:
    for child in children_of(directory):
        _remove(child, deadline)
    while True:
        try:
            posix.rmdir(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != EBUSY:
                raise failed("remove cgroup", error) from None
        else:
            return
        if monotonic() >= deadline:
            inside = ", ".join(map(str, pids_in(directory, recursive=True)[:5]))
            reason = f"processes are still in it: {inside}" if inside else "the kernel says it is in use"
            raise CgroupError("remove cgroup", directory, reason, "kill them and delete again", EBUSY)
        _wait_for_change(directory, deadline)
        for child in children_of(directory):  # somebody may have made one meanwhile
            _remove(child, deadline)


def _wait_for_change(directory: str, deadline: float) -> None:
    """Until one of the processes inside has exited, or a moment if none is listed."""
    from select import POLLIN, poll

    waiting = poll()
    pidfd = -1
    for pid in pids_in(directory, recursive=False):
        try:
            pidfd = posix.pidfd_open(pid)
        except ProcessLookupError:
            continue
        waiting.register(pidfd, POLLIN)
        break
    try:
        left_ms = max(0, int((deadline - monotonic()) * 1000))
        waiting.poll(left_ms if pidfd >= 0 else min(_PAUSE_MS, left_ms))
    finally:
        if pidfd >= 0:
            posix.close(pidfd)
