"""Containers whose cgroups systemd makes. Where process 1 is another one, a fake stands in for it, over the same
socket and with real cgroups; ``tests/guest`` runs these tests with systemd itself, on pure cgroup v2."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kernel.runtime.bed import Bed, Outcome, ended_within, reap, until
from kernel.runtime.fixture import _sealed, bed
from rung.runtime.cgroup import hierarchies
from rung.runtime.cgroup.systemd.bus import Bus, BusError
from systemd_fake import FakeSystemd

__all__ = ["_sealed", "bed"]

SERVICE, PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
IS_SYSTEMD = Path("/run/systemd/system").is_dir()
needs_systemd = pytest.mark.skipif(not IS_SYSTEMD, reason="systemd is not process 1 here: tests/guest runs this")


class Real:
    """What systemd says of a unit."""

    environment: Mapping[str, str] = {}

    def property(self, unit: str, name: str) -> Any:
        with Bus(SERVICE, user=False) as bus:
            (path,) = bus.call(PATH, f"{SERVICE}.Manager", "GetUnit", "s", (unit,))
            for kind in ("Unit", unit.rpartition(".")[2].capitalize()):
                try:
                    given = (f"{SERVICE}.{kind}", name)
                    return bus.call(path, "org.freedesktop.DBus.Properties", "Get", "ss", given)[0].value
                except BusError as error:
                    if "Unknown" not in error.name and "Unknown" not in str(error):
                        raise
        raise KeyError(name)

    def forget(self, slice: str) -> None:
        self.command("stop", slice)

    def knows(self, unit: str) -> bool:
        return any(line.split()[0].strip("●") == unit for line in self.command("list-units", "--all", "--plain", "--no-legend"))

    @staticmethod
    def command(*words: str) -> list[str]:
        done = subprocess.run(["systemctl", "--no-pager", *words], capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if line.strip()]


class Fake:
    """The same of the fake."""

    def __init__(self, fake: FakeSystemd) -> None:
        self._fake = fake
        found = hierarchies()
        self._tops = {top for top in [*found.v1.values(), found.v2] if top}
        self._slices = [Path(top, "system.slice") for top in self._tops if not Path(top, "system.slice").exists()]
        self.environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={fake.address}"}

    def property(self, unit: str, name: str) -> Any:
        return self._fake.units[unit][name]

    def forget(self, slice: str) -> None:
        """It has no units for slices that nobody asked for, only their cgroups."""
        for place in [*(Path(top, slice) for top in self._tops), *self._slices]:
            until(lambda place=place: _gone(place), f"{place} is not empty")

    def knows(self, unit: str) -> bool:
        return unit in self._fake.units


@pytest.fixture
def systemd() -> Iterator[Real | Fake]:
    if IS_SYSTEMD:
        yield Real()
        return
    found = hierarchies()
    tops = [found.v1["name=systemd"]] if "name=systemd" in found.v1 else []
    folder = Path(tempfile.mkdtemp(prefix="systemd-"))
    try:
        with FakeSystemd(folder / "bus", [Path(top) for top in [*tops, found.v2] if top]) as fake:
            yield Fake(fake)
    finally:
        shutil.rmtree(folder)


class Units:
    """Containers by the program with ``--systemd-cgroup``, each in a unit of the test's own slice."""

    def __init__(self, bed: Bed, systemd: Real | Fake) -> None:
        self.bed = bed
        self.systemd = systemd
        self.slice = f"{bed.mark.replace('-', '_')}.slice"
        self.made: list[str] = []

    def call(self, *words: object) -> Outcome:
        return self.bed.call("--systemd-cgroup", *words, env={**os.environ, **self.systemd.environment})

    def run(self, edits: Mapping[str, Any] | None = None, path: str | None = "") -> str:
        """A container that sleeps; its id. Its unit is ``rung-ID.scope``, unless ``path`` says otherwise."""
        name, outcome = self.try_run(edits, path)
        assert outcome.status == 0, outcome
        return name

    def try_run(self, edits: Mapping[str, Any] | None = None, path: str | None = "") -> tuple[str, Outcome]:
        name = self.bed.new_id()
        where = {} if path is None else {"linux.cgroupsPath": path or f"{self.slice}:rung:{name}"}
        bundle = self.bed.bundle(("sleep", "1000"), {**where, **(edits or {})})
        self.made.append(name)
        return name, self.call("run", "-d", "--bundle", bundle, name)

    def end(self, name: str) -> None:
        """Kill, delete and reap a container that ``run`` made."""
        pid = self.pid(name)
        assert self.call("delete", "--force", name).status == 0
        self.made.remove(name)
        if pid:
            reap(pid)

    def pid(self, name: str) -> int:
        from rung import jsonc

        shown = self.call("state", name)
        return jsonc.loads(shown.output)["pid"] if shown.status == 0 else 0

    def killed(self, name: str) -> None:
        pid = self.pid(name)
        assert self.call("kill", name, "KILL").status == 0
        ended_within(pid)
        reap(pid)

    def directory(self, unit: str, controller: str = "") -> Path:
        """The unit's cgroup, of a controller's hierarchy on v1."""
        found = hierarchies()
        return Path(found.v1.get(controller, found.v2), self.slice, unit)


@pytest.fixture
def units(bed: Bed, systemd: Real | Fake) -> Iterator[Units]:
    made = Units(bed, systemd)
    yield made
    for name in made.made.copy():
        if name in bed.runtime.ids():
            made.end(name)
    systemd.forget(made.slice)


def _gone(slice: Path) -> bool:
    """Slices stay when their last unit goes; this one is taken away once it is empty."""
    try:
        slice.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
