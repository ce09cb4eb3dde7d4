"""Intel RDT's groups, over a directory that stands for the resctrl file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan_configs import config, of, order, plan
from rung.runtime.errors import RuntimeFailure
from rung.runtime.plan import steps
from rung.runtime.resctrl import Groups, groups, mount_point, parsed, remove
from rung.undo import Undo

LINE = "36 25 0:33 / /sys/fs/resctrl rw,relatime shared:20 - resctrl resctrl rw\n"


def test_where_it_is_mounted():
    others = "22 27 0:21 / /proc rw - proc proc rw\n27 1 0:3 / /resctrl rw - ext4 resctrl rw\n"
    assert mount_point(others) == ""
    assert mount_point(others + LINE) == "/sys/fs/resctrl"


@pytest.mark.parametrize(
    ("wanted", "control", "monitor", "own"),
    [
        ({}, "/r/box", "", True),
        ({"closID": "gold"}, "/r/gold", "", False),
        ({"closID": "/"}, "/r", "", False),
        ({"enableMonitoring": True}, "/r/box", "/r/box/mon_groups/box", True),
        ({"closID": "gold", "enableMonitoring": True}, "/r/gold", "/r/gold/mon_groups/box", False),
        ({"closID": "/", "enableMonitoring": True}, "/r", "/r/mon_groups/box", False),
    ],
)
def test_which_groups(wanted, control, monitor, own):
    found = groups(wanted, "box", "/r")
    assert (found.control, found.monitor, found.own) == (control, monitor, own)


def test_a_process_enters_the_control_group_first():
    found = groups({"enableMonitoring": True}, "box", "/r")
    made = plan(config(), resctrl_tasks=found.tasks(), cgroup_paths={"cpu": "/c/cpu/box"})
    writes = of(steps.WriteFile, made)
    assert [step.path for step in writes] == ["/r/box/tasks", "/r/box/mon_groups/box/tasks"]
    assert {step.data for step in writes} == {b"0"}
    assert order(made, steps.JoinCgroup, steps.WriteFile, steps.Clone)[-1] == "Clone"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A group ``gold`` with its monitoring groups."""
    gold = tmp_path / "gold"
    (gold / "mon_groups").mkdir(parents=True)
    (gold / "schemata").write_text("    MB:0=  20;1=  70\n    L3:0=7f0;1=01f\n")
    return tmp_path


def make(wanted, root: Path) -> Groups:
    found = groups(wanted, "box", str(root))
    with Undo() as undo:
        found.make(undo)
        undo.keep()
    return found


def test_a_group_that_is_there_is_compared(root):
    make({"closID": "gold", "l3CacheSchema": "L3:0=7F0;1=1f", "memBwSchema": "MB:1=70"}, root)
    for wrong in ("L3:0=7ff", "L3:2=1", "L2:0=1"):
        with pytest.raises(RuntimeFailure, match="gold: its schemata has another"):
            make({"closID": "gold", "l3CacheSchema": wrong}, root)


def test_schemata_are_written_at_any_rate(root):
    make({"closID": "gold", "schemata": ["L2:0=f"]}, root)
    assert (root / "gold/schemata").read_text().startswith("L2:0=f\n")


def test_a_group_that_was_to_be_there(root):
    with pytest.raises(RuntimeFailure, match="silver: it does not exist"):
        make({"closID": "silver"}, root)


def test_what_goes_with_the_container(root):
    assert groups({"closID": "gold"}, "box", str(root)).left_to_us() == ()
    found = make({"closID": "gold", "enableMonitoring": True}, root)
    monitor = root / "gold/mon_groups/box"
    assert monitor.is_dir()
    assert found.left_to_us() == (), "it is there already: somebody else's, had we not made it"
    remove([str(monitor), str(monitor)])
    assert not monitor.exists()
    assert groups({"enableMonitoring": True}, "box", str(root)).left_to_us() == (
        f"{root}/box/mon_groups/box",
        f"{root}/box",
    )


def test_what_cannot_be_made_is_undone(root):
    """A directory of this stand-in has no schemata file to write to."""
    with pytest.raises(RuntimeFailure, match="schemata: L3:0=1: No such file"), Undo() as undo:
        groups({"l3CacheSchema": "L3:0=1"}, "box", str(root)).make(undo)
    assert not (root / "box").exists()


def test_lines_are_read_as_the_kernel_shows_them():
    assert parsed("    L3:0=00ff;1=7ff\nMB:0=  10\n") == {"L3": {"0": "ff", "1": "7ff"}, "MB": {"0": "10"}}
