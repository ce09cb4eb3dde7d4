"""The programs that the conformance tests compare, and the check that nothing is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from . import leftovers
from .bed import Bed, Pair
from .bundle import Config, default_config, make_rootfs


@pytest.fixture(scope="session")
def runtime(request: pytest.FixtureRequest) -> Path:
    """The runtime under test."""
    named = os.environ.get("RUNG_CONFORMANCE_RUNTIME")
    if named is None:
        own: Path = request.getfixturevalue("runtime_bin")
        return own
    path = shutil.which(named)
    assert path, f"RUNG_CONFORMANCE_RUNTIME={named} is no program"
    return Path(path).absolute()


@pytest.fixture(scope="session")
def reference() -> Path:
    """The runtime whose behaviour is the measure."""
    named = os.environ.get("RUNG_CONFORMANCE_REFERENCE", "runc")
    path = shutil.which(named)
    if path is None:
        pytest.skip(f"{named} is not installed: there is nothing to compare with")
    return Path(path).absolute()


@pytest.fixture(scope="session")
def rootfs(busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system; every bundle gets its own links of it."""
    return make_rootfs(tmp_path_factory.mktemp("conformance") / "rootfs", busybox)


@pytest.fixture(scope="session")
def config(reference: Path) -> Config:
    """What ``runc spec`` writes."""
    return default_config(reference)


@pytest.fixture
def pair(runtime: Path, reference: Path, rootfs: Path, config: Config, tmp_path: Path) -> Iterator[Pair]:
    """Both runtimes; after the test nothing of either may be left."""
    beds: list[Bed] = []

    def maker(label: str, program: Path) -> object:
        def make(ids: Sequence[str]) -> Bed:
            home = tmp_path / f"{label}{len(beds)}"
            beds.append(Bed(program, home, rootfs, config, ids))
            return beds[-1]

        return make

    yield Pair(maker("test", runtime), maker("reference", reference))  # type: ignore[arg-type]
    left = [line for bed in beds for name in bed.used for line in leftovers.cgroups(name)]
    left += leftovers.of(str(tmp_path))
    left += [f"state {entry}" for bed in beds if bed.root.is_dir() for entry in bed.root.iterdir()]
    assert not left, "left behind:\n" + "\n".join(left)
