"""What a container's unit is called, and where its cgroup is. Pure.

``linux.cgroupsPath`` is ``slice:prefix:name`` here, as with runc: the unit ``prefix-name.scope`` in ``slice``, or, with
a name that ends in ``.slice``, that slice itself. A slice's place follows from its name: ``a-b.slice`` lies in
``a.slice`` (systemd.slice(5)).
"""

from __future__ import annotations

from rung.record import Record
from rung.runtime.cgroup.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rung.runtime.cgroup.hierarchy import Hierarchies

SUBGROUP = "run.oci.systemd.subgroup"
_PREFIX = "rung"
_SLICE = ".slice"


class Unit(Record):
    """A transient unit. ``user``: of the user's systemd, not of the system's. ``below``: "/NAME" of the cgroup in it
    that is the container's, "" where that is the unit's own."""

    name: str
    slice: str = ""
    user: bool = False
    below: str = ""

    @property
    def is_slice(self) -> bool:
        """A slice holds no processes at its start, and its parent follows from its name."""
        return self.name.endswith(_SLICE)

    def cgroup(self) -> str:
        """Its cgroup below its manager's."""
        return slice_path(self.name) if self.is_slice else f"{slice_path(self.slice)}/{self.name}"


def unit_of(cgroups_path: str | None, container_id: str, *, user: bool) -> Unit:
    """The unit that ``linux.cgroupsPath`` names; without one, a scope of the container's id."""
    parent, prefix, name = "", _PREFIX, container_id
    if cgroups_path:
        parts = cgroups_path.split(":")
        if len(parts) != 3 or not parts[2]:
            raise CgroupError(
                "use linux.cgroupsPath",
                f'"{cgroups_path}"',
                "it must be slice:prefix:name where systemd makes the cgroups",
                "or leave out --systemd-cgroup",
            )
        parent, prefix, name = parts
    parent = parent or ("user.slice" if user else "system.slice")
    slice_path(parent)  # or it is an error now
    if "/" in name + prefix or "\0" in name + prefix:
        raise CgroupError("use linux.cgroupsPath", repr(cgroups_path), "a unit's name has no / in it")
    if name.endswith(_SLICE):
        return Unit(name, parent, user)
    return Unit(f"{prefix}-{name}.scope" if prefix else f"{name}.scope", parent, user)


def subgroup(annotations: Mapping[str, str], found: Hierarchies) -> str:
    """``Unit.below`` as crun's ``run.oci.systemd.subgroup`` names it. On v2 alone: it is for delegation, which is
    not safe on v1. Raises ``CgroupError``."""
    named = annotations.get(SUBGROUP, "")
    if not named or found.mode != "v2":
        return ""
    parts = [part for part in named.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or "\0" in named:
        raise CgroupError(f"use annotation {SUBGROUP}", f'"{named}"', "it must name a cgroup below the scope's")
    return "/" + "/".join(parts)


def slice_path(name: str) -> str:
    """``a-b.slice`` -> ``/a.slice/a-b.slice``; ``-.slice`` is the top."""
    stem = name.removesuffix(_SLICE)
    if stem == "-" and name != stem:
        return ""
    words = stem.split("-")
    if stem == name or "/" in name or "\0" in name or "" in words:
        raise CgroupError("use slice", f'"{name}"', "a slice is called like a-b.slice")
    return "".join(f"/{'-'.join(words[: n + 1])}{_SLICE}" for n in range(len(words)))


def locate_unit(found: Hierarchies, unit: Unit, manager: str) -> dict[str, str]:
    """Controller -> directory, as ``hierarchy.locate``. ``manager``: the cgroup of systemd itself."""
    inner = manager.rstrip("/") + unit.cgroup() + unit.below
    entered = [name for name in found.v1 if not name.startswith("name=") or name == "name=systemd"]
    places = {name: found.v1[name] + inner for name in entered}
    if found.v2:
        places[""] = found.v2 + inner
    return places
