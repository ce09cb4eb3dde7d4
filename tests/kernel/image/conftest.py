"""A store on a tmpfs, and a registry of Debian's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import registries
import trees
from rung.image import Store
from rung.image.snapshot.erofs import why_not


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory on a file system that can carry an overlay, and is quick."""
    path = Path(tempfile.mkdtemp(prefix="rung-image-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def ext4() -> Iterator[Path]:
    """A directory on a file system whose files can be mounted."""
    with trees.ext4() as place:
        yield place


@pytest.fixture(params=["overlay", "erofs", "native"])
def any_store(request: pytest.FixtureRequest, ext4: Path) -> Iterator[Store]:
    """A store for each snapshotter; nothing of it may stay mounted."""
    place = Path(tempfile.mkdtemp(prefix="store-", dir=ext4))
    made = Store(str(place), snapshotter=request.param)
    if request.param == "erofs" and (reason := why_not(str(place))):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    yield made
    made.close()
    assert str(place) not in Path("/proc/self/mountinfo").read_text()
    shutil.rmtree(place)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    made = Store(str(place / "store"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def docker_registry() -> Iterator[str]:
    """``host:port`` of a running docker-registry."""
    if shutil.which("skopeo") is None:
        pytest.skip("needs skopeo: apt-get install skopeo")
    with registries.docker_registry() as host:
        yield host

