"""Block I/O: throttles and weights of a disk, on the real hierarchies."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.runtime.cgroup import CgroupError, updated


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A loop device's entry in /sys/block, or that of a disk of this host."""
    file = tmp_path / "disk"
    file.write_bytes(bytes(1 << 20))
    made = subprocess.run(["losetup", "--find", "--show", file], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        yield Path("/sys/block", Path(made.stdout.strip()).name)
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)
        return
    found = [entry for entry in Path("/sys/block").iterdir() if int((entry / "size").read_text())]
    if not found:
        pytest.skip("this host has no block device, and none can be made")
    yield found[0]


@pytest.fixture
def number(disk: Path) -> str:
    return (disk / "dev").read_text().strip()


def entry(number: str, **fields: int) -> dict[str, int]:
    major, minor = number.split(":")
    return {"major": int(major), "minor": int(minor), **fields}


def limits(group, mode: str, number: str) -> list[str]:
    """Reading and writing, bytes and operations, as the kernel has them; "" where there is none."""
    if mode == "v2":
        lines = [line.split()[1:] for line in Path(group.paths[""], "io.max").read_text().splitlines()]
        values = [word.split("=")[1] for line in lines for word in line]
        return ["" if value == "max" else value for value in values] or [""] * 4
    found = []
    for file in ("read_bps", "write_bps", "read_iops", "write_iops"):
        text = Path(group.paths["blkio"], f"blkio.throttle.{file}_device").read_text()
        values = [line.split()[1] for line in text.splitlines() if line.split()[0] == number]
        found.append(values[0] if values else "")
    return found


def test_throttles_are_changed_device_by_device(group, mode, number) -> None:
    group.create()
    resources = {"blockIO": {"throttleReadBpsDevice": [entry(number, rate=485760), entry(number, rate=485760)]}}
    group.apply(resources)
    assert limits(group, mode, number) == ["485760", "", "", ""]
    more = {
        "throttleReadBpsDevice": [entry(number, rate=10485760)],
        "throttleWriteBpsDevice": [entry(number, rate=9437184)],
        "throttleReadIOPSDevice": [entry(number, rate=1000)],
        "throttleWriteIOPSDevice": [entry(number, rate=900)],
    }
    resources = updated(resources, {"blockIO": more})
    group.apply(resources, update=True)
    assert limits(group, mode, number) == ["10485760", "9437184", "1000", "900"]
    lifted = {"throttleReadBpsDevice": [entry(number, rate=0)]}
    group.apply(updated(resources, {"blockIO": lifted}), update=True)
    assert limits(group, mode, number) == ["", "9437184", "1000", "900"]


def test_a_device_that_is_not_there_is_named(group, mode) -> None:
    group.create()
    with pytest.raises(CgroupError, match=r"throttleReadBpsDevice.*511:99 .*no such block device"):
        group.apply({"blockIO": {"throttleReadBpsDevice": [entry("511:99", rate=5)]}})


def test_unified_sets_several_at_once(group, mode, number) -> None:
    if mode != "v2":
        pytest.skip("the io controller is on v1 here")
    group.create()
    group.apply({"unified": {"io.max": f"{number} riops=333 wiops=444\n{number} rbps=5000000\n"}})
    assert limits(group, mode, number) == ["5000000", "", "333", "444"]


def test_weights_of_bfq(group, mode, disk, number) -> None:
    scheduler = disk / "queue/scheduler"
    if not disk.name.startswith("loop") or "bfq" not in scheduler.read_text():
        pytest.skip("no block device of ours with the scheduler BFQ")
    scheduler.write_text("bfq")
    group.create()
    group.apply({"blockIO": {"weight": 333, "weightDevice": [entry(number, weight=444)]}})
    file = Path(group.paths[""], "io.bfq.weight") if mode == "v2" else Path(group.paths["blkio"], "blkio.bfq.weight_device")
    assert {"default 333", f"{number} 444"} <= set(file.read_text().splitlines())
    group.apply({"blockIO": {"weight": 111, "weightDevice": [entry(number, weight=222)]}}, update=True)
    assert {"default 111", f"{number} 222"} <= set(file.read_text().splitlines())
