"""Which cgroup hierarchies this host has mounted, and where a container's cgroups go.

Pure but for ``hierarchies()``, which reads two files of /proc once each. Three layouts
exist (cgroups(7)): *v1*, each controller in a tree of its own; *v2*, one tree for all;
*hybrid*, v1 trees for the controllers and a v2 tree beside them to track processes.
"""

from __future__ import annotations

from rung.posix import normpath
from rung.record import Record
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.files import read
from rung.runtime.parent import parent

_USUAL = "/sys/fs/cgroup"


class Hierarchies(Record):
    """What is mounted. ``own`` is the reader's own directory by controller ("": v2)."""

    mode: str  # "v1", "hybrid" or "v2"
    v1: dict[str, str]  # controller or "name=systemd" -> mount point; co-mounted ones share it
    v2: str  # mount point, or ""
    own: dict[str, str] = {}


def hierarchies(pid: int | str = "") -> Hierarchies:
    """What this host has mounted, and which cgroups ``pid`` is in; else, a container's parent."""
    try:
        return parse(read("/proc/self/mountinfo"), read(f"/proc/{pid or parent().name}/cgroup"))
    except OSError as error:
        raise failed("read", error) from None


def parse(mountinfo: str, cgroup: str) -> Hierarchies:
    """From the texts of proc_pid_mountinfo(5) and cgroups(7) ``/proc/PID/cgroup``.

    Where a hierarchy is mounted more than once, the one below /sys/fs/cgroup counts,
    else the first."""
    paths = {}
    for line in cgroup.splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            paths[name] = path
    points: dict[str, tuple[str, str]] = {}
    for line in mountinfo.splitlines():
        head, found, tail = line.partition(" - cgroup")
        if not found:
            continue
        fields = head.split(" ")
        mount = (_unescaped(fields[4]), _unescaped(fields[3]))
        for name in [""] if tail.startswith("2 ") else tail.split(" ")[2].split(","):
            if name in paths and (name not in points or _unusual(points[name][0], mount[0])):
                points[name] = mount
    if not points:
        hint = f"mount cgroup2 on {_USUAL}"
        raise CgroupError("find cgroups", "", "no cgroup file system is mounted", hint)
    own = {name: _inside(point, root, paths[name]) for name, (point, root) in points.items()}
    v2 = points.pop("", ("", ""))[0]
    mode = "v2" if not points else "hybrid" if v2 else "v1"
    return Hierarchies(mode, {name: point for name, (point, _) in points.items()}, v2, own)


def _unusual(old: str, new: str) -> bool:
    return new.startswith(_USUAL) and not old.startswith(_USUAL)


def _unescaped(text: str) -> str:
    """mountinfo writes blank, tab, newline and backslash as \\040, \\011, \\012, \\134."""
    if "\\" not in text:
        return text
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _inside(point: str, root: str, path: str) -> str:
    """The directory of cgroup ``path`` where the subtree ``root`` is mounted at ``point``.

    A cgroup outside of what is mounted (``/..`` in a cgroup namespace) counts as the top."""
    if root != "/":
        if path != root and not path.startswith(root + "/"):
            return point
        path = path[len(root) :]
    if path.startswith("/.."):
        return point
    return point + path.rstrip("/")


def clean(path: str) -> str:
    """An absolute path that stays below its root whatever ``..`` it holds."""
    return normpath("/" + path.lstrip("/"))


def locate(found: Hierarchies, cgroups_path: str | None, container_id: str) -> dict[str, str]:
    """Controller -> directory ("" for v2) of a container; config-linux.md#cgroups-path.

    An absolute ``cgroups_path`` lies below each mount point, a relative one below the
    runtime's own cgroup. On v2 that is the parent of the runtime's own, as a cgroup with
    processes can have no limited children. Without a path the container's id serves,
    at the top on v1 and hybrid, relative on v2 (so that a delegated subtree is not left).
    """
    if "\0" in (cgroups_path or ""):
        raise CgroupError("use linux.cgroupsPath", repr(cgroups_path), "it holds a NUL character")
    relative = not cgroups_path.startswith("/") if cgroups_path else found.mode == "v2"
    inner = clean(cgroups_path or container_id)
    if inner == "/":
        hint = "give the container one below"
        raise CgroupError("use linux.cgroupsPath", repr(cgroups_path), "it names the root cgroup", hint)
    places = {name: _base(found, name, relative) + inner for name in found.v1 if _entered(name)}
    if found.v2:
        places[""] = _base(found, "", relative) + inner
    return places


def _entered(controller: str) -> bool:
    """Named hierarchies other than systemd's belong to somebody else."""
    return not controller.startswith("name=") or controller == "name=systemd"


def _base(found: Hierarchies, controller: str, relative: bool) -> str:
    point = found.v1[controller] if controller else found.v2
    if not relative:
        return point
    own = found.own.get(controller, point)
    if found.mode == "v2" and own != point:
        own = own.rpartition("/")[0]
    return own
