"""Running a program and saying what it cost: wall time, and the CPU of everything it started.

The bench works in a cgroup of its own with the containers' cgroups below it, so the CPU of
a command includes processes that outlive it or are nobody's children; without a cgroup
controller that counts CPU, it is what the waited-for children used.
"""

from __future__ import annotations

import mmap
import os
import resource
import select
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

CGROUP = "rung-bench"
TAIL_S = 0.001  # what a server or a manager does after its answer is part of the cost
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Failed(Exception):
    """A measured command did not do what it should."""


class CpuMeter:
    """CPU milliseconds of a cgroup and all below, less the bench's own."""

    def __init__(self) -> None:
        v1, v2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")
        if (v2 / "cgroup.controllers").exists():
            self.group, self.read = v2 / CGROUP, self._read_v2
        elif v1.is_dir():
            self.group, self.read = v1 / CGROUP, self._read_v1
        else:
            self.group, self.read = Path(), self._read_children
        self.home = Path("/")
        if self.group != Path():
            self.home = self.group.parent / _own_cgroup(self.group.parent)
            (self.group / "self").mkdir(parents=True, exist_ok=True)
            (self.group / "self/cgroup.procs").write_text(str(os.getpid()))

    def adopt(self, pids: Iterable[int]) -> None:
        """Count the CPU of these processes, and of what they fork."""
        if self.group != Path():
            (self.group / "server").mkdir(exist_ok=True)
            for pid in pids:
                (self.group / "server/cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """Back to where the bench came from; its cgroups are removed."""
        for group in (self.group / "self", self.group / "server"):
            if self.group != Path() and group.exists():
                for pid in (group / "cgroup.procs").read_text().split():
                    (self.home / "cgroup.procs").write_text(pid)
        top = Path("/sys/fs/cgroup")
        for hierarchy in (top, *(each for each in top.iterdir() if each.name != "unified")):  # v1 hides it
            for folder, _, _ in os.walk(hierarchy / CGROUP, topdown=False):
                os.rmdir(folder)

    def _read_v1(self) -> float:
        return int((self.group / "cpuacct.usage").read_text()) / 1e6 - _own_cpu_ms()

    def _read_v2(self) -> float:
        text = (self.group / "cpu.stat").read_text()
        return int(text.split("usage_usec", 1)[1].split()[0]) / 1e3 - _own_cpu_ms()

    @staticmethod
    def _read_children() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (used.ru_utime + used.ru_stime) * 1e3


class NoMeter:
    """Where CPU is not what is asked for."""

    @staticmethod
    def read() -> float:
        """None."""
        return 0.0


def _own_cpu_ms() -> float:
    return time.process_time_ns() / 1e6


def _own_cgroup(mount: Path) -> str:
    """The bench's cgroup, relative to the hierarchy mounted there."""
    name = "" if (mount / "cgroup.controllers").exists() else mount.name
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if name in controllers.split(","):
            return path.lstrip("/")
    return ""


class Samples:
    """Wall and CPU milliseconds of every (row, contestant)."""

    def __init__(self, meter: CpuMeter | NoMeter) -> None:
        self.meter = meter
        self.wall_ms: dict[tuple[str, str], list[float]] = {}
        self.cpu_ms: dict[tuple[str, str], list[float]] = {}

    def time(self, row: str, contestant: str, work: Callable[[], object], *, in_process: bool = False) -> None:
        """Do ``work`` once and note its cost; with ``in_process`` the bench's own CPU is part of it."""
        own, cpu, began = _own_cpu_ms(), self.meter.read(), time.perf_counter()
        work()
        wall_ms = (time.perf_counter() - began) * 1e3
        time.sleep(TAIL_S)
        cpu_ms = self.meter.read() - cpu
        self.add(row, contestant, wall_ms, cpu_ms + (_own_cpu_ms() - own if in_process else 0))

    def add(self, row: str, contestant: str, wall_ms: float, cpu_ms: float) -> None:
        """Note one measurement."""
        self.wall_ms.setdefault((row, contestant), []).append(wall_ms)
        self.cpu_ms.setdefault((row, contestant), []).append(cpu_ms)

    def medians(self) -> dict[str, dict[str, dict[str, float]]]:
        """``{row: {contestant: {"wall_ms", "cpu_ms", "rounds"}}}``."""
        table: dict[str, dict[str, dict[str, float]]] = {}
        for (row, contestant), walls in self.wall_ms.items():
            table.setdefault(row, {})[contestant] = {
                "wall_ms": round(statistics.median(walls), 3),
                "cpu_ms": round(statistics.median(self.cpu_ms[row, contestant]), 3),
                "rounds": len(walls),
            }
        return table


def quantile(values: list[float], part: float) -> float:
    """The value below which ``part`` of them lie: one of them."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def call(argv: list[str], environment: Mapping[str, str] = ENVIRONMENT, expect: int = 0) -> None:
    """Run a program to its end, its output thrown away unless it fails."""
    reader, writer = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, writer, 2),
    ]
    pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    os.close(writer)
    code = os.waitstatus_to_exitcode(status)
    os.set_blocking(reader, False)
    try:
        said = os.read(reader, 65536) if code != expect else b""
    except BlockingIOError:
        said = b""
    os.close(reader)
    if code != expect:
        raise Failed(f"{' '.join(argv)}: exit {code}, not {expect}: {said.decode(errors='replace').strip()}")


def take_memory(size_bytes: int) -> None:
    """Take so much memory, half of what is there at most, and free it: the machine below has it ready then."""
    free = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    size = min(size_bytes, int(free.split()[1]) << 9)
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def most_resident_kib(argv: list[str], environment: Mapping[str, str], busybox: str) -> int:
    """What a program had resident at most. Started by a small one: a child inherits its parent's figure."""
    with tempfile.TemporaryFile() as said:  # no pipe: a created container keeps it open
        words = [busybox, "time", "-f", "%M", *argv]
        status = subprocess.call(words, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    if status:
        raise Failed(f"{' '.join(argv)}: {text}")
    return int(text.split()[-1])


def await_end(pid: int, deadline_s: float = 10.0) -> None:
    """Wait for a process that is not necessarily a child; reap it where it was handed to us."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], deadline_s)[0]:
            raise Failed(f"process {pid} still runs after {deadline_s} s")
    finally:
        os.close(fd)
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # somebody else's to reap
