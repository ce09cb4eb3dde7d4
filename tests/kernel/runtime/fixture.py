"""The ``bed`` fixture, for the folders whose tests make containers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, until

_numbers = itertools.count()


@pytest.fixture(scope="session")
def _sealed(rung_init: Path) -> None:
    """The sealed copy of rung-init: one descriptor for the process's life."""
    from rung.runtime.spawn import sealed_init

    sealed_init()


@pytest.fixture
def bed(
    _sealed: None,
    nothing_left: Callable[[Path], Path],
    tmp_path: Path,
    busybox_rootfs: Path,
    busybox: Path,
    runtime_bin: Path,
) -> Iterator[Bed]:
    """A place for containers. The test fails if it leaves a process, mount, cgroup, file or descriptor."""
    made = Bed(tmp_path, busybox_rootfs, busybox, runtime_bin, f"rung-test-{os.getpid()}-{next(_numbers)}")
    nothing_left(made.state)
    yield made
    containers = made.runtime.ids()
    for name in containers:  # so that one failed test is one failed test
        made.runtime.get(name).delete(force=True)
    assert not containers, f"containers left: {containers}"
    until(lambda: not made.left(), f"cgroups left: {made.left()}")
