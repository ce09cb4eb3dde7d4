"""cgroup v2's tree rules: controllers come from above, and users may be given a subtree.

A cgroup has a controller when its parent's cgroup.subtree_control names it, and so on up
to the top. A parent with processes of its own cannot give domain controllers (EBUSY,
"no internal processes"); that is not an error here, but where a limit then finds no file
(kernel Documentation/admin-guide/cgroup-v2.rst).
"""

from __future__ import annotations

from rung.posix import F_OK, access, chown
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.files import read, read_line, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from rung.spec.runtime.config import Resources

_DELEGATED = "/sys/kernel/cgroup/delegate"
_DELEGATED_ALWAYS = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n"


def enable_above(directory: str, wanted: Collection[str] | None = None) -> None:
    """Give ``directory`` every controller (or those ``wanted``) that its ancestors can."""
    ancestors = []
    above = directory.rpartition("/")[0]
    while access(f"{above}/cgroup.subtree_control", F_OK):
        ancestors.append(above)
        above = above.rpartition("/")[0]
    for ancestor in reversed(ancestors):
        there = set(read_line(f"{ancestor}/cgroup.controllers").split())
        there -= set(read_line(f"{ancestor}/cgroup.subtree_control").split())
        lacking = sorted(there if wanted is None else there.intersection(wanted))
        if lacking:
            _enable(f"{ancestor}/cgroup.subtree_control", lacking)


def _enable(path: str, controllers: list[str]) -> None:
    """All at once, or as many as the kernel gives: what is refused is missed only if needed."""
    try:
        write(path, " ".join("+" + name for name in controllers))
    except OSError:
        if len(controllers) > 1:
            for name in controllers:
                _enable(path, [name])


def make_enterable(directory: str, resources: Resources) -> None:
    """A cgroup below one with processes is "domain invalid": only as a threaded one can it
    be entered, which domain controllers cannot limit."""
    kind = _kind(directory)
    if kind not in ("domain invalid", "threaded", "domain threaded"):
        return
    if any(resources.get(name) for name in ("memory", "blockIO", "hugepageLimits")):
        raise CgroupError(
            "use cgroup",
            directory,
            f"it is {kind}, so memory, block I/O and huge pages cannot be limited in it",
            "give a linux.cgroupsPath whose parents hold no processes",
        )
    if kind == "domain invalid":
        write(f"{directory}/cgroup.type", "threaded")


def _kind(directory: str) -> str:
    try:
        return read_line(f"{directory}/cgroup.type")
    except FileNotFoundError:  # before Linux 4.14 there was but one kind
        return "domain"


def give_to(directory: str, uid: int, gid: int) -> None:
    """``chown`` the directory and the files the kernel lists as safe to give away.

    Only on v2: a v1 subtree cannot be given away safely, and none is."""
    if not directory:
        return
    try:
        names = read(_DELEGATED)
    except FileNotFoundError:
        names = _DELEGATED_ALWAYS
    try:
        chown(directory, uid, gid)
        for name in names.split():
            try:
                chown(f"{directory}/{name}", uid, gid)
            except FileNotFoundError:
                continue  # not every listed file is in every cgroup
    except OSError as error:
        raise failed("give cgroup away:", error) from None
