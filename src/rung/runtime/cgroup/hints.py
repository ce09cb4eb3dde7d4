"""What a refusal of the kernel's means, and what to do about it.

It answers a refused limit with a bare errno; what that means depends on the file. Here is that knowledge, in one
table, so that every message names the field of the configuration, the file, the value and the remedy.
Apart from the errors themselves: a command that nothing is refused to has no use for it.
"""

from __future__ import annotations

from errno import EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENOSPC, EOPNOTSUPP, EPERM, ERANGE, EROFS

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import read_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cgroup.files import Write


def hint_for(file: str, number: int) -> str:
    """What an errno means where this file answered with it; "": nothing that the errno does not say itself."""
    kind = file.split(".", 1)[0]
    return _HINTS.get((file, number)) or _HINTS.get((kind, number)) or _HINTS.get(("", number), "")


def refused(write: Write, directory: str, error: OSError) -> CgroupError:
    """The kernel does not take a value: names field, value, file and what the errno means there."""
    number = error.errno or 0
    path = f"{directory}/{write.file}"
    if number == ENOENT:
        return CgroupError(f"set {write.field}", f"to {write.value}", *_no_file(write, directory), number)
    if number == EBUSY and write.file in _IN_USE:
        usage = read_line(f"{directory}/{_IN_USE[write.file]}")
        reason = f"{usage} bytes are in use and cannot be reclaimed"
        return CgroupError(f"set {write.field}", f"to {write.value}", reason, errno=number)
    hint = hint_for(write.file, number)
    return CgroupError(
        f"set {write.field}", f"to {write.value}", f"writing {path}: {error.strerror}", hint, number
    )


def _no_file(write: Write, directory: str) -> tuple[str, str]:
    """Reason and remedy: is it the controller that is not there, or a control of it? In runc's and crun's words."""
    controller = write.controller or write.file.split(".", 1)[0]
    try:
        there = write.controller or controller in (*read_line(f"{directory}/cgroup.controllers").split(), "cgroup")
    except OSError:
        there = True
    if there:
        hint = f"the kernel or the cgroup lacks the {controller} controller or this control of it"
        return f"{directory}/{write.file} does not exist: no such file or directory", hint
    reason = f"the requested cgroup controller `{controller}` is not available in {directory}"
    return reason, "leave the limit out, or have the controller enabled in the cgroups above"


def missing(controller: str, field: str) -> CgroupError:
    """A limit for a controller that this host does not have, or the container not."""
    from rung.runtime.privilege import is_whole

    if not is_whole():
        return CgroupError(
            f"set {field}",
            "",
            f"cannot set {controller} limit: container could not join or create cgroup, as this user may not",
            "leave the limit out, or have the cgroups delegated",
        )
    return CgroupError(
        f"set {field}",
        "",
        f"this host has no {controller} controller, or the container was made without cgroups",
        "remove the limit or mount the controller",
    )


#: v1 refuses a limit below what is in use; what that is stands in these files.
_IN_USE = {
    "memory.limit_in_bytes": "memory.usage_in_bytes",
    "memory.memsw.limit_in_bytes": "memory.memsw.usage_in_bytes",
}
_OF_PARENT = "the parent cgroup's own budget is smaller: raise it first"
_SUBSET = "only what the parent cgroup has can be given"
_SCHEDULER = "the device's I/O scheduler must be bfq"
_DEVICE = "no such block device; partitions cannot be limited, only whole disks"

_HINTS = {
    ("", EPERM): "not permitted here: are the cgroups delegated to this user?",
    ("", EACCES): "not permitted here: are the cgroups delegated to this user?",
    ("", EROFS): "the cgroup file system is mounted read-only",
    ("", EINVAL): "the kernel does not take this value",
    ("", ERANGE): "the value is out of range",
    ("", ENOSPC): "the cgroup limit cgroup.max.descendants is reached, or a cpuset is empty",
    ("", EOPNOTSUPP): "the controller cannot be used in this state of the hierarchy",
    ("memory.limit_in_bytes", EINVAL): "it must not be larger than the limit of memory and swap together",
    ("memory.memsw.limit_in_bytes", EINVAL): "it must not be smaller than the memory limit",
    ("cpu.rt_runtime_us", EINVAL): _OF_PARENT,
    ("cpu.rt_period_us", EINVAL): _OF_PARENT,
    ("cpu.cfs_quota_us", EINVAL): "at least 1000 us, and no larger a share than the parent cgroup's",
    ("cpu.cfs_period_us", EINVAL): "1000 to 1000000 us, and no larger a share than the parent cgroup's",
    ("cpu.cfs_burst_us", EINVAL): "it must not be larger than the quota",
    ("cpu.max", EINVAL): "quota at least 1000 us, period 1000 to 1000000 us",
    ("cpu.max.burst", EINVAL): "it must not be larger than the quota",
    ("cpuset.cpus", EACCES): _SUBSET,
    ("cpuset.mems", EACCES): _SUBSET,
    ("cpuset.cpus", EINVAL): "the list is no list of CPUs, or overlaps an exclusive sibling",
    ("cpuset.cpus", ERANGE): "this host does not have these CPUs",
    ("cpuset.mems", ERANGE): "this host does not have these memory nodes",
    ("cpuset.cpus", ENOSPC): "tasks are in the cgroup and none of these CPUs is usable",
    ("cpuset.mems", ENOSPC): "tasks are in the cgroup and none of these nodes is usable",
    ("blkio.bfq.weight_device", EOPNOTSUPP): _SCHEDULER,
    ("io.bfq.weight", EOPNOTSUPP): _SCHEDULER,
    ("devices.allow", EPERM): "the parent cgroup does not allow this device",
    ("devices.deny", EINVAL): "a cgroup with sub-cgroups cannot change its default",
    ("devices.allow", EINVAL): "a cgroup with sub-cgroups cannot change its default",
    ("net_prio.ifpriomap", ENODEV): "no such network interface",
    ("blkio", ENODEV): _DEVICE,
    ("io", ENODEV): _DEVICE,
    ("", ENODEV): "the cgroup is gone",
}
