"""Many containers in a row in one process: nothing stays, and memory does not grow."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import pytest

from kernel.runtime.bed import until
from rung.runtime import Stdio

pytestmark = pytest.mark.timeout(300)


def resident_kib() -> int:
    """This process's own memory, without files it maps."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def namespaces() -> set[str]:
    """Every namespace that a process of this machine is in or has a descriptor of."""
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        for name in ("mnt", "pid_for_children", "net", "uts", "ipc", "cgroup"):
            try:
                found.add(os.readlink(f"/proc/{entry}/ns/{name}"))
            except OSError:  # it has ended meanwhile
                break
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue
        if target[:4] in ("mnt:", "pid:", "net:", "uts:", "ipc:") or target.startswith("cgroup:"):
            found.add(target)
    return found


@pytest.fixture
def one_life(bed):
    """create, start, wait, exec every tenth, delete."""
    bundle = str(bed.bundle(["true"], {"linux.namespaces": [{"type": k} for k in ALL]}))
    null = os.open("/dev/null", os.O_RDWR)
    stdio = Stdio(null, null, null)

    def live(number: int) -> None:
        container = bed.runtime.create(f"{bed.mark}-{number % 7}", bundle, stdio=stdio)
        if number % 10 == 0:
            from rung.runtime import ExecOptions

            process = {**container.config["process"], "args": ["true"]}
            assert container.exec(process, ExecOptions(stdio=stdio)).wait() == 0
        container.start()
        assert container.wait() == 0
        container.delete()

    yield live
    os.close(null)


ALL = ("pid", "network", "ipc", "uts", "mount", "cgroup")


def test_seven_hundred_in_a_row(bed, one_life, record_property):
    for number in range(20):
        one_life(number)
    descriptors = set(os.listdir("/proc/self/fd"))
    mounts = Path("/proc/self/mountinfo").read_text().count(str(bed.folder))
    began = time.monotonic()
    for number in range(200):
        one_life(number)
    record_property("ms_each", round((time.monotonic() - began) * 5, 2))
    assert set(os.listdir("/proc/self/fd")) == descriptors
    assert Path("/proc/self/mountinfo").read_text().count(str(bed.folder)) == mounts
    assert Path(f"/proc/self/task/{os.getpid()}/children").read_text() == ""
    assert not bed.left()
    assert not list(bed.state.iterdir())
    assert not list((bed.folder / "TMPDIR").iterdir())
    before = resident_kib()
    for number in range(500):
        one_life(number)
    after = resident_kib()
    record_property("grown_kib", after - before)
    assert after - before <= 256, f"{before} KiB, then {after} KiB"


def test_namespaces_end_with_their_container(bed):
    """A descriptor or a mount that holds one would keep it."""
    seen = set()
    made = [bed.runtime.create(bed.new_id(), str(bed.bundle(["true"]))) for _ in range(9)]
    for container in made:
        seen |= {os.readlink(f"/proc/{container.pid}/ns/{name}") for name in ("mnt", "pid", "net", "uts", "ipc")}
    assert len(seen) == 45
    assert seen <= namespaces()
    for container in made:
        container.start()
        container.wait()
        container.delete()
    until(lambda: not seen & namespaces(), "all of them are gone")  # neighbours may get a number again
