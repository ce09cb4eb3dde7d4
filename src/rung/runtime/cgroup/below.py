"""Which cgroups a process that joins a container enters: the container's, some below them, or its init's.

``exec --cgroup [CONTROLLERS:]PATH`` names cgroups below the container's own. On v2 a cgroup that gives its
controllers to cgroups below can hold no process itself ("no internal processes"): where the container has made itself
such a tree, its init has gone below, and another process is put beside that, unless a path was named.
"""

from __future__ import annotations

from errno import EACCES, EBUSY, ENODEV, ENOENT, EOPNOTSUPP

from rung.posix import isdir, strerror
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.hierarchy import clean, hierarchies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.runtime.errors import CgroupNotEntered

#: The kernel's answers to entering a cgroup that is gone, or that cannot hold a process.
_NOT_ENTERED = (EBUSY, ENODEV, ENOENT, EOPNOTSUPP)
_ELSEWHERE = "name one below it that can hold a process"


def below(paths: dict[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The directories to enter. ``wanted``: controller -> path below the container's own; "" is all that have it.

    Controllers that are mounted together go together. Raises ``CgroupError``."""
    found = dict(paths)
    for controller, inner in wanted.items():
        if controller and controller not in paths:
            raise CgroupError("use --cgroup", f"{controller}:{inner}", f"unknown controller {controller}")
        below_own = _inside(inner)
        named = {name: own + below_own for name, own in paths.items() if not controller or own == paths[controller]}
        there = {name: directory for name, directory in named.items() if isdir(directory)}
        if not there:
            raise refused(next(iter(named.values()), inner), ENOENT)
        found |= there
    return found


def _inside(inner: str) -> str:
    if ".." in inner.split("/"):
        raise CgroupError("use --cgroup", inner, "bad sub cgroup path: `..` components are not allowed")
    return clean(inner).rstrip("/")


def beside_init(failed: CgroupNotEntered, paths: Mapping[str, str], pid: int, *, named: bool) -> dict[str, str]:
    """Where a process goes that could not be born into the container's cgroup: to its init ``pid``, on v2 alone.

    Raises what failed where there is no other place, or this one was ``named``."""
    if failed.errno not in _NOT_ENTERED or set(paths) != {""}:
        raise failed
    of_init = hierarchies(pid).own.get("", "")
    if named or of_init in ("", paths[""]):
        raise refused(paths[""], failed.errno)
    return {"": of_init}


def is_for_systemd(failed: CgroupNotEntered, unit: Mapping[str, Any]) -> bool:
    """Whether only systemd can put a process there: cgroup-v2.rst, "Delegation Containment".

    A user's containers are units of the own service manager's. Who moves a process from a session needs power over
    what lies above both, which is the system's."""
    return bool(unit.get("user")) and failed.errno == EACCES


def with_init(paths: Mapping[str, str], pid: int) -> dict[str, str]:
    """Where the container's init is, if that is below its cgroup; else that."""
    of_init = hierarchies(pid).own.get("", "")
    return {"": of_init} if of_init.startswith(f"{paths['']}/") else dict(paths)


def refused(directory: str, number: int) -> CgroupError:
    """A process cannot be put there."""
    reason = f"adding pid 0 to cgroups {directory}: {strerror(number)}"
    return CgroupError("enter the container", "", reason, _ELSEWHERE if number == EBUSY else "", number)
