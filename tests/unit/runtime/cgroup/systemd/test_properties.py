"""What systemd is told: names and units as in systemd.resource-control(5)."""

from __future__ import annotations

from typing import Any

import pytest

from rung.runtime.cgroup import CgroupError
from rung.runtime.cgroup.systemd.devices import device_properties
from rung.runtime.cgroup.systemd.marshal import Variant
from rung.runtime.cgroup.systemd.names import Unit
from rung.runtime.cgroup.systemd.properties import resource_properties, unit_properties
from rung.runtime.cgroup.systemd.values import with_whole_percents

INFINITY = 2**64 - 1
DENY_ALL = {"allow": False, "access": "rwm"}
PROC_DEVICES = "Character devices:\n  1 mem\n136 pts\n136 more\n\nBlock devices:\n  7 loop\n"


def told(resources: dict[str, Any], **how: Any) -> dict[str, Any]:
    found = resource_properties(resources, **{"v2": True, **how})  # type: ignore[arg-type]
    return {name: item.value for name, item in found}


def test_a_scope_begins_with_its_process_and_is_delegated() -> None:
    found = dict(unit_properties(Unit("p-n.scope", "a.slice"), "n", 77, True))
    assert found["PIDs"] == Variant("au", [77])
    assert found["Delegate"] == Variant("b", True)
    assert found["Slice"] == Variant("s", "a.slice")
    assert found["DefaultDependencies"] == Variant("b", False)
    assert {"MemoryAccounting", "CPUAccounting", "TasksAccounting", "IOAccounting"} < set(found)


def test_a_slice_holds_nobody_at_first() -> None:
    found = dict(unit_properties(Unit("a-b.slice", "a.slice"), "n", 77, False))
    assert not {"PIDs", "Slice", "Delegate"} & set(found)
    assert found["Wants"] == Variant("as", ["a.slice"])
    assert "BlockIOAccounting" in found and "IOAccounting" not in found


@pytest.mark.parametrize(
    ("resources", "properties"),
    [
        ({}, {}),
        ({"memory": {"limit": 1 << 25}}, {"MemoryMax": 1 << 25}),
        ({"memory": {"limit": -1}}, {"MemoryMax": INFINITY, "MemorySwapMax": INFINITY}),
        ({"memory": {"limit": 100, "swap": 150}}, {"MemoryMax": 100, "MemorySwapMax": 50}),
        ({"memory": {"limit": 100, "swap": 100}}, {"MemoryMax": 100, "MemorySwapMax": 0}),
        ({"memory": {"reservation": 7}}, {"MemoryLow": 7}),
        ({"cpu": {"shares": 1024}}, {"CPUWeight": 100}),
        ({"cpu": {"shares": 200, "idle": 1}}, {"CPUWeight": 0}),
        ({"cpu": {"shares": 100, "idle": 0}}, {"CPUWeight": 17}),
        ({"cpu": {"quota": 30000}}, {"CPUQuotaPerSecUSec": 300000}),
        ({"cpu": {"quota": 4000, "period": 30000}}, {"CPUQuotaPeriodUSec": 30000, "CPUQuotaPerSecUSec": 140000}),
        ({"cpu": {"quota": -1, "period": 9000}}, {"CPUQuotaPeriodUSec": 9000, "CPUQuotaPerSecUSec": INFINITY}),
        ({"cpu": {"cpus": "0-2,9", "mems": "0"}}, {"AllowedCPUs": b"\x07\x02", "AllowedMemoryNodes": b"\x01"}),
        ({"pids": {"limit": 20}}, {"TasksMax": 20}),
        ({"pids": {"limit": -1}}, {"TasksMax": INFINITY}),
        ({"blockIO": {"weight": 750}}, {"IOWeight": 7475}),
        (
            {"unified": {"memory.min": "1", "memory.low": "2", "memory.high": "3", "memory.max": "max"}},
            {"MemoryMin": 1, "MemoryLow": 2, "MemoryHigh": 3, "MemoryMax": INFINITY},
        ),
        ({"unified": {"cpu.max": "max 50000"}}, {"CPUQuotaPeriodUSec": 50000, "CPUQuotaPerSecUSec": INFINITY}),
        ({"unified": {"cpu.max": "5000"}}, {"CPUQuotaPeriodUSec": 100000, "CPUQuotaPerSecUSec": 50000}),
        ({"unified": {"cpu.weight": "42", "pids.max": "99"}}, {"CPUWeight": 42, "TasksMax": 99}),
        ({"unified": {"cpu.idle": "1", "cpu.weight": "8"}}, {"CPUWeight": 0}),
        ({"unified": {"cpuset.cpus": "5-8"}}, {"AllowedCPUs": b"\xe0\x01"}),
        ({"unified": {"hugetlb.2MB.max": "0", "memory.oom.group": "1"}}, {}),
    ],
    ids=str,
)
def test_limits_on_v2(resources: dict[str, Any], properties: dict[str, Any]) -> None:
    assert told(resources) == properties


def test_unified_comes_last_and_so_wins() -> None:
    assert told({"memory": {"limit": 5}, "unified": {"memory.max": "6"}})["MemoryMax"] == 6


@pytest.mark.parametrize(
    ("resources", "properties"),
    [
        ({"memory": {"limit": 100, "swap": 150, "reservation": 5}}, {"MemoryLimit": 100}),
        ({"cpu": {"shares": 100}}, {"CPUShares": 100}),
        ({"blockIO": {"weight": 750}}, {"BlockIOWeight": 750}),
        ({"pids": {"limit": 3}, "unified": {"pids.max": "4"}}, {"TasksMax": 3}),
    ],
    ids=str,
)
def test_limits_on_v1(resources: dict[str, Any], properties: dict[str, Any]) -> None:
    assert told(resources, v2=False) == properties


def test_an_older_systemd_is_not_told_what_it_does_not_know() -> None:
    resources = {"cpu": {"cpus": "0", "idle": 1, "shares": 1024}, "unified": {"cpuset.mems": "0", "cpu.idle": "1"}}
    assert told(resources, version=240) == {"CPUWeight": 100}


@pytest.mark.parametrize("unified", [{"pids.max": "many"}, {"cpuset.cpus": "a-b"}, {"cpu.max": "x 1"}, {"cpuset.cpus": "9999999"}])
def test_values_that_systemd_could_not_take_are_refused(unified: dict[str, str]) -> None:
    with pytest.raises(CgroupError, match="unified"):
        told({"unified": unified})


@pytest.mark.parametrize(
    ("cpu", "quota"),
    [({"quota": 500000, "period": 900000}, 504000), ({"quota": 50000}, 50000), ({"quota": -1}, -1), ({"quota": 5001}, 6000)],
)
def test_the_cgroup_gets_the_quota_that_systemd_makes_of_it(cpu: dict[str, int], quota: int) -> None:
    assert with_whole_percents({"cpu": cpu}) == {"cpu": {**cpu, "quota": quota}}  # type: ignore[typeddict-item]


def device(kind: str, major: int, minor: int, access: str = "rw", allow: bool = True) -> dict[str, Any]:
    return {"allow": allow, "type": kind, "major": major, "minor": minor, "access": access}


def devices(*rules: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    found = device_properties(rules, PROC_DEVICES)  # type: ignore[arg-type]
    (_, how), *lists = found
    assert lists[0] == ("DeviceAllow", Variant("a(ss)", [])), "the list must be emptied first"
    return how.value, [entry for _, item in lists for entry in item.value]


def test_devices_are_named_as_systemd_names_them() -> None:
    rules = (
        device("c", 1, 3, "rwm"), device("c", 136, -1), device("b", -1, -1, "m"), device("b", 7, -1, "r"),
    )  # fmt: skip
    assert devices(DENY_ALL, *rules) == (
        "strict",
        [("/dev/char/1:3", "rwm"), ("char-pts", "rw"), ("block-*", "m"), ("block-loop", "r")],
    )


def test_a_major_without_a_driver_is_no_device() -> None:
    assert devices(DENY_ALL, device("c", 99, -1)) == ("strict", [])


@pytest.mark.parametrize(
    "rules",
    [
        ({"allow": True, "access": "rwm"},),
        ({"allow": True, "access": "rwm"}, device("c", 1, 3, "rwm", allow=False)),
        (DENY_ALL, device("c", 1, -1), device("c", 1, 3, allow=False)),
        (DENY_ALL, device("c", -1, 3)),
    ],
)
def test_what_a_list_cannot_say_is_left_to_the_containers_own_program(rules: tuple[dict[str, Any], ...]) -> None:
    assert devices(*rules) == ("auto", [])
