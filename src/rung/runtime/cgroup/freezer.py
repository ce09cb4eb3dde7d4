"""Pausing: v1's freezer, v2's cgroup.freeze.

v2 stops a cgroup and tells in cgroup.events when it is done. v1 has three states and no
event: THAWED, FREEZING (not all have stopped yet) and FROZEN; whether it is done is found
out by reading, and while processes fork it may never be, unless it is asked to freeze
again (kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst).
"""

from __future__ import annotations

from time import monotonic

from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.files import is_gone, read, read_line, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_QUICK_TRIES = 50
_PAUSE_MS = 1
_THAW_EVERY = 100


def freeze(paths: Mapping[str, str], timeout_s: float) -> None:
    """Freeze, or thaw again and raise ``CgroupError`` when it is not done in time."""
    try:
        if "freezer" in paths:
            done = _freeze_v1(f"{paths['freezer']}/freezer.state", monotonic() + timeout_s)
        elif "" in paths:
            write(f"{paths['']}/cgroup.freeze", "1")
            done = wait_for_event(paths[""], "frozen 1", timeout_s)
        else:
            raise CgroupError("freeze", "", "this host has no freezer controller")
    except OSError as error:
        raise failed("freeze", error) from None
    if not done:
        thaw(paths)
        raise CgroupError("freeze", _directory(paths), f"not all processes stopped within {timeout_s:g} s")


def _directory(paths: Mapping[str, str]) -> str:
    return paths["freezer"] if "freezer" in paths else paths[""]


def _freeze_v1(state: str, deadline: float) -> bool:
    """Ask until it is FROZEN; now and then let go, for those that fork while being frozen."""
    tries = 0
    while True:
        write(state, "FROZEN")
        if read_line(state) == "FROZEN":
            return True
        tries += 1
        if tries > _QUICK_TRIES:
            if monotonic() > deadline:
                return False
            if tries % _THAW_EVERY == 0:
                write(state, "THAWED")
            _pause()


def _pause() -> None:
    from select import poll

    poll().poll(_PAUSE_MS)


def thaw(paths: Mapping[str, str]) -> None:
    """Let go; a cgroup that is gone needs nothing."""
    try:
        if "freezer" in paths:
            write(f"{paths['freezer']}/freezer.state", "THAWED")
        elif "" in paths:
            write(f"{paths['']}/cgroup.freeze", "0")
    except OSError as error:
        if not is_gone(error):
            raise failed("thaw", error) from None


def take_back(paths: Mapping[str, str], pid: int) -> None:
    """Move a process into this freezer cgroup, which thaws it where this one is not frozen. v2 needs
    nothing: what is frozen there can be killed."""
    if "freezer" not in paths:
        return
    try:
        write(f"{paths['freezer']}/cgroup.procs", str(pid))
    except OSError as error:
        if not is_gone(error):
            raise failed("move", error) from None


def wait_for_event(directory: str, line: str, timeout_s: float) -> bool:
    """Whether cgroup.events comes to hold ``line`` in time. The kernel wakes its pollers."""
    from select import POLLPRI, poll

    from rung import posix

    deadline = monotonic() + timeout_s
    path = f"{directory}/cgroup.events"
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        waiting = poll()
        waiting.register(fd, POLLPRI)
        while line not in posix.pread(fd, 4096, 0).decode().splitlines():
            left_s = deadline - monotonic()
            if left_s <= 0:
                return line in read(path).splitlines()
            waiting.poll(left_s * 1000)
    finally:
        posix.close(fd)
    return True
