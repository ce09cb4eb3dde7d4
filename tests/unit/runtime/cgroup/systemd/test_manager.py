"""The conversation with systemd, over a real socket, with a fake at its other end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.runtime.cgroup import CgroupError
from rung.runtime.cgroup.systemd.bus import addresses, places
from rung.runtime.cgroup.systemd.manager import Manager
from rung.runtime.cgroup.systemd.marshal import Variant
from systemd_fake import FakeSystemd

UNIT = "rung-x.scope"
GIVEN = [("Slice", Variant("s", "a.slice")), ("PIDs", Variant("au", [1]))]


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[FakeSystemd]:
    with FakeSystemd(tmp_path / "bus") as fake:
        yield fake


@pytest.fixture
def manager(systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Manager]:
    from rung import posix

    monkeypatch.setattr(posix, "getenv", lambda name: f"unix:path={tmp_path}/bus" if "SYSTEM" in name else "")
    with Manager(user=False) as made:
        yield made


def test_a_unit_lives(systemd: FakeSystemd, manager: Manager) -> None:
    manager.start(UNIT, GIVEN)
    assert systemd.units[UNIT] == {"Slice": "a.slice", "PIDs": [1]}
    manager.set(UNIT, [("TasksMax", Variant("t", 5))])
    assert systemd.units[UNIT]["TasksMax"] == 5
    manager.stop(UNIT)
    assert not systemd.units


def test_what_is_no_unit_any_more_is_stopped(systemd: FakeSystemd, manager: Manager) -> None:
    manager.stop(UNIT)
    manager.reset_failed(UNIT)
    assert systemd.calls[-2:] == ["StopUnit", "ResetFailedUnit"]


def test_a_second_unit_of_a_name_is_refused_by_its_name(systemd: FakeSystemd, manager: Manager) -> None:
    manager.start(UNIT, GIVEN)
    with pytest.raises(CgroupError, match=f"{UNIT}.*already"):
        manager.start(UNIT, GIVEN)
    assert "ResetFailedUnit" in systemd.calls, "one that has only failed makes room"
    manager.start(UNIT, GIVEN, may_exist=True)


def test_a_job_that_fails_says_so(systemd: FakeSystemd, manager: Manager) -> None:
    systemd.job_result = "failed"
    with pytest.raises(CgroupError, match=f"{UNIT}.*failed"):
        manager.start(UNIT, GIVEN)


@pytest.mark.parametrize(("text", "number"), [("257.13-1~deb13u1", 257), ("v219", 219), ("", 0)])
def test_the_version_is_a_number(systemd: FakeSystemd, manager: Manager, text: str, number: int) -> None:
    systemd.version = text
    assert manager.version() == number


def test_the_managers_own_scope_is_not_where_units_are(manager: Manager) -> None:
    assert manager.cgroup() == ""


def test_nobody_there_is_said_with_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rung import posix

    monkeypatch.setattr(posix, "getenv", lambda name: f"unix:path={tmp_path}/no" if "SYSTEM" in name else "")
    with pytest.raises(CgroupError, match=f"{tmp_path}/no.*No such file"):
        Manager(user=False)


def test_addresses_of_the_specification() -> None:
    assert addresses("unix:path=/a%20b,guid=1;tcp:host=x;unix:abstract=c") == ["/a b", "\0c"]
    assert addresses("") == []
    with pytest.raises(CgroupError):
        addresses("unix:path=%zz")


def test_where_a_users_systemd_is_looked_for() -> None:
    known = {"XDG_RUNTIME_DIR": "/run/user/7"}
    assert places(True, lambda name: known.get(name, "")) == [
        ("/run/user/7/bus", True),
        ("/run/user/7/systemd/private", False),
    ]
    known["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/elsewhere"
    assert places(True, lambda name: known.get(name, ""))[0] == ("/elsewhere", True)
    assert places(True, lambda _: "") == []
    assert places(False, lambda _: "") == [("/run/dbus/system_bus_socket", True), ("/run/systemd/private", False)]
