"""A lane is a world of its own, and nothing of it stays."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import lanes

pytestmark = pytest.mark.skipif(not lanes.wanted(), reason="no lanes here: they need root and cgroup v1")
MOUNTS = """\
25 1 0:22 / /sys rw - sysfs sysfs rw
30 25 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
33 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
34 1 0:31 / /elsewhere rw - cgroup cgroup rw,memory
"""
OWN = "4:memory:/m\n3:name=systemd:/s/t\n2:cpu,cpuacct:/\n0::/u\n"


def test_hierarchies_and_where_we_are_in_them() -> None:
    top = "/sys/fs/cgroup"
    assert lanes.hierarchies(MOUNTS, OWN) == [
        lanes.Hierarchy(f"{top}/cpu,cpuacct", "cgroup", "cpu,cpuacct", ""),
        lanes.Hierarchy(f"{top}/systemd", "cgroup", "xattr,name=systemd", "/s/t"),
        lanes.Hierarchy(f"{top}/unified", "cgroup2", "", "/u"),
    ]


def groups(pid: int) -> list[str]:
    """A lane's cgroups, where we see them."""
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(f"/{lanes.NAME}{pid}")]


@pytest.fixture
def closed() -> Iterator[Path]:
    """A place that others than root cannot reach."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "closed/place")
        place.mkdir(parents=True)
        place.parent.chmod(0o700)
        yield place


def in_a_lane(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Python in a process that has entered a lane: ``lane``."""
    begin = f"import sys; sys.path.insert(0, {str(Path(lanes.__file__).parent)!r})\n"
    begin += "import lanes, os, subprocess, time\nfrom pathlib import Path\n"
    begin += "lanes.NEEDED = [Path(word) for word in sys.argv[1:]]\nlane = lanes.Lane.enter()\n"
    words = [sys.executable, "-c", begin + script, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def test_inside_nothing_is_the_machines() -> None:
    script = """
print(sorted(os.listdir("/run")), os.listdir("/dev/shm"), os.listdir("/sys/class/net"))
print({line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines()})
print(any(found for _, found, _ in os.walk("/sys/fs/cgroup/pids")))
lane.leave()
"""
    done = in_a_lane(script)
    assert done.stdout.splitlines()[:3] == ["['lock'] [] ['lo']", "{'/'}", "False"], done


def test_what_is_left_in_it_ends_with_it() -> None:
    script = """
left = subprocess.Popen(["sleep", "1000"])
os.makedirs("/sys/fs/cgroup/pids/left/inner")
Path("/sys/fs/cgroup/pids/left/inner/cgroup.procs").write_text(str(left.pid))
print(os.getpid())
lane.leave()
print(left.wait())
"""
    done = in_a_lane(script)
    pid, status = done.stdout.split()
    assert (status, groups(int(pid))) == ("-9", [])


def test_a_killed_ones_lane_is_swept_away() -> None:
    script = """
subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(os.getpid(), flush=True)
os.kill(os.getpid(), 9)
"""
    pid = int(in_a_lane(script).stdout)
    lanes.sweep()
    assert groups(pid) == []


def test_others_reach_what_they_need(closed: Path) -> None:
    script = """
drop = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups"]
print(subprocess.run([*drop, "ls", sys.argv[1]]).returncode)
lane.leave()
"""
    (closed / "file").touch()
    assert in_a_lane(script, closed).stdout == "file\n0\n"
    assert in_a_lane(script).returncode != 0
