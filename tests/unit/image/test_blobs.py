"""Blobs: what has a name is whole and is what the name says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rung.image.errors import ContentError
from rung.image.store import blobs as module
from rung.image.store.blobs import Blobs
from rung.spec.image import Digest

DATA = b"some content " * 1000


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    made = Blobs(str(tmp_path))
    made.make_directories()
    return made


def left(blobs: Blobs) -> list[str]:
    return sorted(os.listdir(blobs.ingest_directory))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_written_blob_is_there(blobs: Blobs, algorithm: str) -> None:
    digest = blobs.write(DATA, algorithm)
    assert digest == Digest.of(DATA, algorithm)
    assert blobs.read(digest) == DATA and blobs.size(digest) == len(DATA)
    assert blobs.write(DATA, algorithm) == digest
    assert left(blobs) == []
    assert os.stat(blobs.path(digest)).st_mode & 0o222 == 0


def test_a_blob_of_unknown_digest_gets_its_own(blobs: Blobs) -> None:
    with blobs.ingest() as ingest:
        ingest.write(DATA)
        digest = ingest.commit()
    assert blobs.read(digest) == DATA


@pytest.mark.parametrize(
    ("data", "reason"), [(DATA[:-1], "bytes where"), (DATA[:-1] + b"!", "has the digest"), (DATA + b"!", "longer")]
)
def test_other_bytes_are_refused_and_leave_nothing(blobs: Blobs, data: bytes, reason: str) -> None:
    digest = Digest.of(DATA)
    with pytest.raises(ContentError, match=reason), blobs.ingest(digest, len(DATA)) as ingest:
        ingest.write(data)
        ingest.commit()
    assert not blobs.has(digest) and left(blobs) == []


def test_a_part_that_a_killed_process_left_is_continued(blobs: Blobs) -> None:
    digest = Digest.of(DATA)
    pid = os.fork()
    if pid == 0:
        with blobs.ingest(digest, len(DATA)) as ingest:
            ingest.write(DATA[:5000])
            os._exit(0)  # as after kill -9: nothing is undone
    os.waitpid(pid, 0)
    assert len(left(blobs)) == 1
    with blobs.ingest(digest, len(DATA)) as ingest:
        assert ingest.offset == 5000
        ingest.write(DATA[5000:])
        ingest.commit()
    assert blobs.read(digest) == DATA and left(blobs) == []


def test_two_processes_take_turns(blobs: Blobs) -> None:
    digest = Digest.of(DATA)
    reading, writing = os.pipe()
    with blobs.ingest(digest, len(DATA)) as first:
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            with blobs.ingest(digest, len(DATA)) as second:  # waits here
                os.write(writing, b"done" if second.done else b"again")
            os._exit(0)
        os.close(writing)
        first.write(DATA)
        first.commit()
    assert os.read(reading, 10) == b"done"
    os.close(reading)
    os.waitpid(pid, 0)


def test_bytes_changed_on_disk_are_noticed(blobs: Blobs) -> None:
    digest = blobs.write(DATA)
    os.chmod(blobs.path(digest), 0o600)
    Path(blobs.path(digest)).write_bytes(b"other")
    with pytest.raises(ContentError, match="other bytes on disk"):
        blobs.read(digest)


def test_a_document_has_a_largest_size(blobs: Blobs) -> None:
    digest = blobs.write(DATA)
    with pytest.raises(ContentError, match="larger than a document"):
        blobs.read(digest, limit=100)
    with pytest.raises(ContentError, match="not in the store"):
        blobs.read(Digest.of(b"nothing"))


def test_names_that_last_later(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(module, "_sync_directory", synced.append)
    one, other = (Digest.of(data, algorithm) for data, algorithm in ((b"one", "sha256"), (b"other", "sha512")))
    for digest, data in ((one, b"one"), (other, b"other")):
        with blobs.ingest(digest, len(data)) as ingest:
            ingest.write(data)
            ingest.commit(lasting=False)
    assert blobs.has(one) and blobs.has(other) and synced == []
    blobs.sync_names()
    assert sorted(synced) == [f"{blobs.directory}/sha256", f"{blobs.directory}/sha512"]
    blobs.write(b"at once")
    assert synced[2:] == [f"{blobs.directory}/sha256"]
