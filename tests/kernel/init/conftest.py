"""Fixtures: a root file system of the test's own, a plan's run, and a check that nothing stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kernel.init import driver
from rung.runtime.plan.steps import Step


@pytest.fixture
def rootfs(busybox: Path, tmp_path: Path) -> Path:
    """A busybox root file system that the test may spoil."""
    root = tmp_path / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy2(busybox, root / "bin/busybox")
    for (
        applet
    ) in "sh cat ls id echo true sleep stat pwd hostname env grep head tr tty touch readlink".split():
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
    return root


@pytest.fixture
def run(rung_init: Path) -> Callable[..., driver.Outcome]:
    def go(steps: Sequence[Step], **options: object) -> driver.Outcome:
        return driver.run(str(rung_init), steps, **options)

    return go


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def no_mount_nor_child_left(tmp_path: Path) -> Iterator[None]:
    before = children()  # a service that the session's tests share
    yield
    assert children() <= before, f"children left: {children() - before}"
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
