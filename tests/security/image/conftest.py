"""A store, a registry that can be told to lie, and a watch over what is outside."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageparts import Registry
from rung.image import Store


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-hostile-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    made = Store(str(place / "store"))
    yield made
    made.close()


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()


@pytest.fixture
def outside(place: Path) -> Iterator[Path]:
    """A directory beside the store; whatever an image does, it stays as it is."""
    path = place / "outside"
    path.mkdir()
    (path / "secret").write_bytes(b"secret")
    before = sorted(os.listdir(path)), (path / "secret").read_bytes(), (path / "secret").stat()
    yield path
    after = sorted(os.listdir(path)), (path / "secret").read_bytes(), (path / "secret").stat()
    assert after[:2] == before[:2]
    assert (after[2].st_mode, after[2].st_uid, after[2].st_nlink, after[2].st_mtime_ns) == (
        before[2].st_mode, before[2].st_uid, before[2].st_nlink, before[2].st_mtime_ns,
    )  # fmt: skip


def nothing_left(store: Store) -> None:
    """No image, no blob, no layer, no part of any."""
    content = store.content
    assert store.images() == []
    assert list(content.blobs.all()) == []
    for path in (content.blobs.ingest_directory, content.layers.new_directory, content.rootfs_directory):
        assert os.listdir(path) == [], path
    assert os.listdir(os.path.join(content.layers.directory, "sha256")) == []


@pytest.fixture
def clean_store(store: Store) -> Iterator[Store]:
    """A store that must be empty in the end as well."""
    yield store
    nothing_left(store)
