"""A lane: what tests on the real kernel share with the whole machine, once for each pytest worker.

Two workers beside each other would see each other's mounts, cgroups and files under /run, and a census
(``census.py``) of one would count what the other makes. So each worker enters a lane before it collects: a mount
namespace with /run and /dev/shm of its own, a network namespace with nothing but loopback, and in every cgroup hierarchy
a group of its own below the one it was started in, which a cgroup namespace makes look like the top. Whatever a test
starts is in its lane, by inheritance; what must ask the world asks it within ``outside_network``.

The lane also has what a host usually has and a bare machine may lack: /dev/mqueue, processor time for real-time
groups, and a tree and an interpreter that others than root can reach, should they lie below a closed /root.

A lane needs root, and controllers on version 1: a v2 group cannot both have processes and give controllers to
groups below it. Where there is none, ``conftest.py`` lets one worker run all these tests, one after another.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAME = "rung-lane-"
OWN = ("/run", "/dev/shm")  # an empty tmpfs each
TOP = "/sys/fs/cgroup"
NEEDED = sorted({Path(__file__).resolve().parents[1], Path(sys.base_prefix).resolve()})  # of others than root
LEAVE_S = 30.0
REAL_TIME, REAL_TIME_US = "cpu.rt_runtime_us", "50000"  # of every second: all lanes together must not have it all

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWNET = 0x20000, 0x2000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2


@dataclass(frozen=True)
class Hierarchy:
    """A mounted cgroup hierarchy: where, its file system, what it is mounted with, and our group in it."""

    point: str
    fstype: str
    options: str
    group: str

    @property
    def here(self) -> Path:
        """The group that this process was started in."""
        return Path(self.point + self.group)


def wanted() -> bool:
    """Whether tests run in lanes here: as root, on cgroup v1, not turned off by ``RUNG_TEST_LANES=off``."""
    if os.geteuid() != 0 or os.environ.get("RUNG_TEST_LANES") == "off":
        return False
    found = hierarchies(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup"))
    return any(one.fstype == "cgroup" for one in found)


def trial() -> str:
    """Why a lane cannot be made on this machine, found out by making one in another process."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=120, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def hierarchies(mountinfo: str, own: str) -> list[Hierarchy]:
    """What is mounted below /sys/fs/cgroup, of the texts of ``/proc/self/mountinfo`` and ``cgroup``."""
    groups: dict[str, str] = {}
    for line in own.splitlines():
        _, kinds, path = line.split(":", 2)
        groups.update(dict.fromkeys(kinds.split(","), path.rstrip("/")))
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point, (fstype, _, options) = before.split()[4], after.split()
        if not f"{point}/".startswith(f"{TOP}/") or fstype not in ("cgroup", "cgroup2"):
            continue
        given = [word for word in options.split(",") if word in groups or word in ("xattr", "noprefix")]
        kind = next((word for word in given if word in groups), "")
        found.append(Hierarchy(point, fstype, ",".join(given) if fstype == "cgroup" else "", groups.get(kind, "")))
    return found


@dataclass
class Lane:
    """The lane that this process is in, and the ways back: descriptors of the groups that it came from."""

    name: str
    _back: list[int] = field(default_factory=list)
    _outside: int = -1

    @classmethod
    def enter(cls) -> Lane:
        """Make a lane and go into it."""
        lane = cls(f"{NAME}{os.getpid()}")
        found = hierarchies(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup"))
        for one in found:
            lane._back.append(os.open(one.here, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            _make_group(one.here / lane.name)
            (one.here / lane.name / "cgroup.procs").write_text("0")
        lane._outside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _call("unshare", CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWNET)
        _bring_loopback_up()
        _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
        _call("umount2", b"/sys", MNT_DETACH)
        _call("mount", b"lane", b"/sys", b"sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)  # of this network
        _mount_hierarchies(found)
        for place in OWN:
            _call("mount", b"lane", place.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=755" if place == "/run" else b"mode=1777")
        _open_the_way(NEEDED)
        Path("/run/lock").mkdir()
        Path("/run/lock").chmod(0o1777)
        Path("/dev/mqueue").mkdir(exist_ok=True)
        if not os.path.ismount("/dev/mqueue"):
            _call("mount", b"lane", b"/dev/mqueue", b"mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
        return lane

    def leave(self) -> None:
        """Back to the groups that it came from; whatever still is in the lane's is killed, and they are removed."""
        _call("setns", self._outside, CLONE_NEWNET)
        os.close(self._outside)
        for back in self._back:
            procs = os.open("cgroup.procs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=back)
            os.write(procs, b"0")
            os.close(procs)
        for back in self._back:
            remove(Path(f"/proc/self/fd/{back}", self.name))
            os.close(back)
        self._back.clear()


    @contextmanager
    def outside_network(self) -> Iterator[None]:
        """The calling thread is in the machine's network for a while."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", self._outside, CLONE_NEWNET)
            yield
        finally:
            _call("setns", own, CLONE_NEWNET)
            os.close(own)


def sweep() -> None:
    """Remove the lanes of workers that were killed."""
    for one in hierarchies(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup")):
        for group in one.here.glob(f"{NAME}*"):
            if not Path("/proc", group.name.removeprefix(NAME)).exists():
                remove(group)


def remove(group: Path) -> None:
    """A group, those below it and their processes. Waits until the kernel has let go of them, and says where it has
    not: that is no test's failure."""
    until = time.monotonic() + LEAVE_S
    while group.exists():
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                for pid in Path(folder, "cgroup.procs").read_text().split():
                    _kill(int(pid))
                os.rmdir(folder)
            except OSError as error:
                if time.monotonic() > until:
                    print(f"a lane's cgroup does not end: {group.name}: {error}", file=sys.stderr)
                    return
        time.sleep(0.01)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _make_group(group: Path) -> None:
    """A group that a process can be put in: a cpuset has no processors at first, and a frozen one would hold it."""
    group.mkdir()
    for name in ("cpuset.mems", "cpuset.cpus"):
        if (group / name).exists():
            (group / name).write_text((group.parent / name).read_text())
    if (group / REAL_TIME).exists():
        try:
            (group / REAL_TIME).write_text(REAL_TIME_US)
        except OSError:  # a group of somebody else's has what there is: the tests that ask for it will say so
            return


def _mount_hierarchies(found: list[Hierarchy]) -> None:
    """The same hierarchies at the same places, seen from the lane's groups, on a tmpfs of their own."""
    _call("mount", b"lane", TOP.encode(), b"tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, b"mode=755")
    for one in found:
        Path(one.point).mkdir(exist_ok=True)
        _call("mount", one.fstype.encode(), one.point.encode(), one.fstype.encode(), 0, one.options.encode())


def _open_the_way(places: Iterable[Path]) -> None:
    """Let others reach places below a closed directory: they are bound into an open one, which hides it."""
    closed: dict[Path, list[tuple[Path, int]]] = {}
    for place in places:
        way = [folder for folder in reversed(place.parents) if not folder.stat().st_mode & 0o001]
        if way:
            closed.setdefault(way[0], []).append((place, os.open(place, os.O_PATH | os.O_CLOEXEC)))
    for folder, found in closed.items():
        _call("mount", b"lane", str(folder).encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=755")
        for place, fd in found:
            place.mkdir(parents=True, exist_ok=True)
            _call("mount", f"/proc/self/fd/{fd}".encode(), str(place).encode(), None, MS_BIND, None)
            os.close(fd)
    os.chdir(os.getcwd())


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def _read(path: str) -> str:
    return Path(path).read_text()


def _call(name: str, *arguments: int | bytes | None) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f"{name}{arguments}: {os.strerror(error)}")


if __name__ == "__main__":
    Lane.enter().leave()
