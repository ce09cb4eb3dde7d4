from __future__ import annotations

from pathlib import Path

import pytest

from kernel.runtime.bed import ended_within, reap
from kernel.systemd.conftest import Units, needs_systemd
from rung.runtime.cgroup import hierarchies

V2 = hierarchies().mode == "v2"
INFINITY = 2**64 - 1


def test_a_container_is_a_scope_in_its_slice(units: Units) -> None:
    name = units.run()
    unit = f"rung-{name}.scope"
    pid = units.pid(name)
    assert str(pid) in (units.directory(unit) / "cgroup.procs").read_text().split()
    assert units.systemd.property(unit, "Slice") == units.slice
    assert units.systemd.property(unit, "Delegate") is True
    assert units.call("exec", name, "cat", "/proc/self/cgroup").status == 0
    units.killed(name)
    assert units.call("delete", name).status == 0
    assert not units.systemd.knows(unit)
    assert not units.directory(unit).exists()


def test_every_controller_has_the_container(units: Units) -> None:
    name = units.run()
    lines = Path(f"/proc/{units.pid(name)}/cgroup").read_text().splitlines()
    inside = f"/{units.slice}/rung-{name}.scope"
    outside = [line for line in lines if not line.endswith(inside) and not _foreign(line)]
    assert not outside


@pytest.mark.skipif(not V2, reason="a cgroup below the scope's is for cgroup v2 alone")
def test_an_annotation_puts_it_below_its_scope(units: Units) -> None:
    name = units.run({**LIMITS, "annotations": {"run.oci.systemd.subgroup": "inner"}})
    scope = units.directory(f"rung-{name}.scope")
    assert str(units.pid(name)) in (scope / "inner/cgroup.procs").read_text().split()
    assert (scope / "cgroup.procs").read_text() == ""
    assert (scope / "inner/memory.max").read_text() == "33554432\n"
    assert units.call("exec", name, "true").status == 0
    units.killed(name)
    assert units.call("delete", name).status == 0
    assert not scope.exists()


def _foreign(line: str) -> bool:
    """A named hierarchy that belongs to somebody else."""
    names = line.split(":")[1]
    return names.startswith("name=") and names != "name=systemd"


def test_without_a_path_it_is_a_scope_of_the_system(units: Units) -> None:
    name = units.run(path=None)
    assert units.systemd.property(f"rung-{name}.scope", "Slice") == "system.slice"


LIMITS = {
    "linux.resources.memory": {"limit": 33554432, "reservation": 25165824},
    "linux.resources.cpu": {"shares": 100, "quota": 500000, "period": 1000000, "cpus": "0"},
    "linux.resources.pids": {"limit": 20},
}


def test_limits_are_known_to_systemd_and_set(units: Units) -> None:
    name = units.run(LIMITS)
    unit = f"rung-{name}.scope"
    assert units.systemd.property(unit, "MemoryMax" if V2 else "MemoryLimit") == 33554432
    assert units.systemd.property(unit, "TasksMax") == 20
    assert units.systemd.property(unit, "CPUQuotaPerSecUSec") == 500000
    assert units.systemd.property(unit, "CPUQuotaPeriodUSec") == 1000000
    assert units.systemd.property(unit, "AllowedCPUs").rstrip(b"\0") == b"\x01"
    assert units.systemd.property(unit, "CPUWeight" if V2 else "CPUShares") == (17 if V2 else 100)
    memory = units.directory(unit, "memory") / ("memory.max" if V2 else "memory.limit_in_bytes")
    assert memory.read_text().strip() == "33554432"
    assert (units.directory(unit, "pids") / "pids.max").read_text().strip() == "20"
    assert (units.directory(unit, "cpuset") / "cpuset.cpus").read_text().strip() == "0"


def test_update_changes_both(units: Units) -> None:
    name = units.run(LIMITS)
    unit = f"rung-{name}.scope"
    done = units.call("update", "--memory", "64M", "--pids-limit", "-1", "--cpu-quota", "200000", name)
    assert done.status == 0, done
    assert units.systemd.property(unit, "MemoryMax" if V2 else "MemoryLimit") == 67108864
    assert units.systemd.property(unit, "TasksMax") == INFINITY
    assert units.systemd.property(unit, "CPUQuotaPerSecUSec") == 200000
    memory = units.directory(unit, "memory") / ("memory.max" if V2 else "memory.limit_in_bytes")
    assert memory.read_text().strip() == "67108864"
    assert (units.directory(unit, "pids") / "pids.max").read_text().strip() == "max"


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_of_one_process_does_not_keep_it_from_being_born(units: Units, limit: int) -> None:
    name = units.run({"linux.resources.pids": {"limit": limit}})
    assert units.systemd.property(f"rung-{name}.scope", "TasksMax") == 1
    assert units.call("exec", name, "true").status != 0


def test_pause_and_resume(units: Units) -> None:
    name = units.run()
    assert units.call("pause", name).status == 0
    assert '"paused"' in units.call("state", name).output
    assert units.call("resume", name).status == 0
    assert '"running"' in units.call("state", name).output


def test_annotations_are_properties(units: Units) -> None:
    annotations = {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.CollectMode": "'inactive-or-failed'"}
    name = units.run({"annotations": annotations})
    assert units.systemd.property(f"rung-{name}.scope", "TimeoutStopUSec") == 7_000_000
    assert units.systemd.property(f"rung-{name}.scope", "CollectMode") == "inactive-or-failed"


def test_a_unit_is_one_containers(units: Units) -> None:
    name = units.run()
    path = f"{units.slice}:rung:{name}"
    _, second = units.try_run(path=path)
    assert second.status == 1
    assert f"rung-{name}.scope" in second.error
    assert '"running"' in units.call("state", name).output, "the first one is not touched"


def test_a_create_that_fails_leaves_no_unit(units: Units) -> None:
    name, refused = units.try_run({"linux.resources.cpu": {"period": 100}})
    assert refused.status == 1
    assert "period" in refused.error
    assert not units.systemd.knows(f"rung-{name}.scope")
    name, refused = units.try_run({"process.args": ["/no/such/program"]})
    assert refused.status == 1
    assert not units.systemd.knows(f"rung-{name}.scope")


@pytest.mark.parametrize("path", ["/web", "nonsense:rung:x", "a.slice:x"])
def test_a_path_of_another_form_is_refused(units: Units, path: str) -> None:
    _, refused = units.try_run(path=path)
    assert refused.status == 1
    assert "slice" in refused.error


def test_a_name_in_slice_is_a_slice(units: Units) -> None:
    unit = units.slice.replace(".slice", "-inner.slice")
    name = units.run(LIMITS, path=f"{units.slice}:ignored:{unit}")
    assert str(units.pid(name)) in (units.directory(unit) / "cgroup.procs").read_text().split()
    assert units.systemd.property(unit, "TasksMax") == 20
    units.end(name)
    assert not units.directory(unit).exists()


def test_force_deletes_a_container_that_runs(units: Units) -> None:
    name = units.run()
    units.end(name)
    assert not units.systemd.knows(f"rung-{name}.scope")


@needs_systemd
def test_a_unit_that_failed_is_forgotten(units: Units) -> None:
    annotations = {"org.systemd.property.RuntimeMaxSec": "12", "org.systemd.property.TimeoutStopSec": "1"}
    name = units.run({"annotations": annotations})
    pid = units.pid(name)
    ended_within(pid)
    reap(pid)
    assert units.systemd.knows(f"rung-{name}.scope"), "it stays, as failed"
    assert units.call("delete", name).status == 0
    assert not units.systemd.knows(f"rung-{name}.scope")


@needs_systemd
def test_a_reload_of_systemd_takes_nothing_back(units: Units) -> None:
    name = units.run(LIMITS)
    unit = f"rung-{name}.scope"
    units.systemd.command("daemon-reload")  # type: ignore[union-attr]
    assert units.systemd.property(unit, "NeedDaemonReload") is False
    directory = units.directory(unit)
    values = {file: (directory / file).read_text().strip() for file in ("memory.max", "memory.low", "pids.max")}
    assert values == {"memory.max": "33554432", "memory.low": "25165824", "pids.max": "20"}
    assert (directory / "cpu.max").read_text().strip() == "500000 1000000"
    done = units.call("exec", name, "sh", "-c", "echo x >/dev/null && cat /dev/null")
    assert done.status == 0, done


@needs_systemd
def test_a_scope_that_somebody_stopped_is_a_stopped_container(units: Units) -> None:
    name = units.run({"annotations": {"org.systemd.property.TimeoutStopSec": "1"}})
    pid = units.pid(name)
    units.systemd.command("stop", f"rung-{name}.scope")  # type: ignore[union-attr]
    ended_within(pid)
    reap(pid)
    assert '"stopped"' in units.call("state", name).output
    assert units.call("delete", name).status == 0


@pytest.mark.skipif(not V2, reason="cgroup v1's kernel refuses it by itself")
def test_a_limit_that_is_checked_is_not_given_to_systemd(units: Units) -> None:
    name = units.run(LIMITS)
    file = units.bed.folder / "limits.json"
    file.write_text('{"memory": {"limit": 1024, "checkBeforeUpdate": true}}')
    refused = units.call("update", "--resources", file, name)
    assert refused.status == 1
    assert "rejecting memory limit" in refused.error
    assert units.systemd.property(f"rung-{name}.scope", "MemoryMax") == 33554432
    assert '"running"' in units.call("state", name).output
