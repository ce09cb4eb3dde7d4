"""``linux.resources.unified``; config-linux.md#unified: any v2 file, written as it is given.

Each line is a write of its own, as the kernel's keyed files want it."""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import Write
from rung.spec.runtime.rules_resources import NOT_LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def unified_writes(unified: Mapping[str, str], controllers: Collection[str]) -> list[Write]:
    """Only names of control files are taken: nothing outside the cgroup can be reached."""
    if "" not in controllers:
        raise CgroupError(
            "set linux.resources.unified", "", "this host has no cgroup v2", "use the fields of cgroup v1"
        )
    found = []
    for name, value in unified.items():
        if "/" in name or "\0" in name or "." not in name.strip(".") or name in NOT_LIMITS:
            raise CgroupError(
                "set linux.resources.unified",
                repr(name),
                "not the name of a control file",
                "names are CONTROLLER.PARAMETER",
            )
        if name.partition(".")[0] in controllers:
            raise CgroupError(
                "invalid configuration: linux.resources.unified", name, "the controller is not on cgroup v2 here"
            )
        if name == "cpu.weight" and unified.get("cpu.idle", "").strip() == "1":
            continue  # an idle cgroup has none, and the kernel says so with EINVAL
        field = f"linux.resources.unified {name}"
        found += [Write("", name, line, field) for line in value.split("\n") if line]
    return found
