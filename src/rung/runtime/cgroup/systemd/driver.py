"""A container's cgroups where systemd makes them: a transient unit around what the cgroup driver does anyway.

A scope begins with a process, so it is started while rung-init waits, before its first step. Limits are set as the
unit's properties first, which makes systemd keep them, and then in the cgroup: that is what knows them all. Controllers
that systemd does not know are enabled and entered as everywhere.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import failed
from rung.runtime.cgroup.files import read, write
from rung.runtime.cgroup.group import Cgroup
from rung.runtime.cgroup.limits import PIDS_FOR_BIRTH, pids_limit
from rung.runtime.cgroup.systemd.bus import BusError
from rung.runtime.cgroup.systemd.manager import Manager
from rung.runtime.cgroup.systemd.names import locate_unit, subgroup, unit_of
from rung.runtime.cgroup.systemd.properties import resource_properties, unit_properties
from rung.runtime.cgroup.systemd.values import with_whole_percents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.runtime.cgroup.hierarchy import Hierarchies
    from rung.runtime.cgroup.systemd.names import Unit
    from rung.runtime.cgroup.systemd.values import Property
    from rung.spec.runtime.config import Resources


def place(
    found: Hierarchies, cgroups_path: str | None, container_id: str, annotations: Mapping[str, str]
) -> tuple[Unit, dict[str, str]]:
    """The unit of a container to be, and the directories that it will have."""
    from rung.runtime.privilege import is_whole

    unit = unit_of(cgroups_path, container_id, user=not is_whole())
    if not unit.is_slice:
        unit = unit.replace(below=subgroup(annotations, found))
    with Manager(user=unit.user) as manager:
        return unit, locate_unit(found, unit, manager.cgroup())


def attach(unit: Mapping[str, Any], top: str, pid: int, directory: str) -> None:
    """Have a unit's systemd put a process into ``directory``, which is the container's cgroup ``top`` or one below."""
    with Manager(user=unit["user"]) as manager:
        manager.attach(unit["name"], unit.get("below", "") + directory.removeprefix(top) or "/", pid)


class SystemdCgroup(Cgroup):
    """The cgroups of one container, which are a unit's."""

    def __init__(self, paths: dict[str, str], unit: Unit) -> None:
        super().__init__(paths)
        self.unit = unit

    def make(
        self,
        resources: Resources,
        pid: int,
        container_id: str,
        annotations: Mapping[str, str],
        lenient: bool = False,
    ) -> None:
        """Start the unit, with ``pid`` in it, and set its limits."""
        self._start(pid, container_id, annotations)
        if self.unit.below:
            self._go_below(pid)
        self.create(resources, entered=True)
        self.apply(resources, lenient=lenient)

    def _start(self, pid: int, container_id: str, annotations: Mapping[str, str]) -> None:
        from rung.runtime.cgroup.systemd.annotations import annotated_properties

        properties = unit_properties(self.unit, container_id, pid, self.v2_only)
        properties += annotated_properties(annotations)
        with Manager(user=self.unit.user) as manager:
            try:
                manager.start(self.unit.name, properties, may_exist=self.unit.is_slice)
            except BusError:  # refused: a unit of that name is somebody else's
                self._refused = True
                raise

    def _go_below(self, pid: int) -> None:
        """Before the limits: a cgroup that holds a process has no controllers to give to one in it."""
        try:
            self._make(self.paths[""])
            write(f"{self.paths['']}/cgroup.procs", str(pid))
        except OSError as error:
            raise failed("enter cgroup:", error) from None

    def apply(self, resources: Resources, *, update: bool = False, lenient: bool = False) -> None:
        """The unit's properties, then the cgroup's own files."""
        if update:
            self._check_update(resources)  # systemd would have set it before the kernel's usage is asked
        limit = pids_limit(resources)
        told = resources
        if limit is not None and 0 <= limit < PIDS_FOR_BIRTH and not update:
            told = {**resources, "pids": {}}  # apply_late has it
        with Manager(user=self.unit.user) as manager:
            found = [] if update else self._devices(resources)
            found += resource_properties(told, v2=self.v2_only, version=manager.version())
            if found:
                manager.set(self.unit.name, found)
        super().apply(with_whole_percents(resources), update=update, lenient=lenient)

    def apply_late(self, resources: Resources) -> None:
        """A limit that rung-init could not have been born under."""
        limit = pids_limit(resources)
        if limit is not None and 0 <= limit < PIDS_FOR_BIRTH:
            with Manager(user=self.unit.user) as manager:
                manager.set(self.unit.name, resource_properties({"pids": {"limit": limit}}, v2=self.v2_only))
        super().apply_late(resources)

    def _devices(self, resources: Resources) -> list[Property]:
        from rung.runtime.cgroup.controllers.devices import DEFAULT_DEVICE_RULES
        from rung.runtime.cgroup.systemd.devices import device_properties

        rules = [*(resources.get("devices") or ()), *DEFAULT_DEVICE_RULES]
        return device_properties(rules, read("/proc/devices"))

    def remove_empty(self) -> bool:
        """Stop the unit if nothing is in it; False: there is, and it stays."""
        if self.pids():
            return False
        self.remove()
        return True

    def remove(self, timeout_s: float = 10.0) -> None:
        """Stop the unit, which ends what is in it, and remove what systemd leaves."""
        if self._refused:
            return
        with Manager(user=self.unit.user) as manager:
            manager.stop(self.unit.name)
        super().remove(timeout_s)
