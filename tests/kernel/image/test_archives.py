"""Save, load and import, there and back through skopeo."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
from pathlib import Path

import pytest

from imageparts import archive, directory, entry
from rung.cli.main import execute
from rung.image import ArchiveError, Image, Store


@pytest.fixture
def image(store: Store) -> Image:
    return store.bootstrap("busybox")


def skopeo(*words: object) -> None:
    subprocess.run(["skopeo", "copy", "-q", *map(str, words)], check=True)


@pytest.mark.parametrize("format", ["docker-archive", "oci-archive"])
def test_there_and_back(store: Store, place: Path, image: Image, format: str) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    store.save(["busybox"], first, format)
    store.save(["busybox"], second, format)
    assert first.getvalue() == second.getvalue()
    for data in (first.getvalue(), gzip.compress(first.getvalue())):
        other = Store(str(place / "other"))
        (loaded,) = other.load(io.BytesIO(data))
        assert (loaded.name, loaded.id, loaded.digest) == (image.name, image.id, image.digest)
        other.close()


@pytest.mark.parametrize("ours", ["docker-archive", "oci-archive"])
@pytest.mark.parametrize("theirs", ["docker-archive", "oci-archive"])
def test_skopeo_reads_ours_and_we_read_skopeo_s(store: Store, place: Path, image: Image, ours: str, theirs: str) -> None:
    with open(place / "ours.tar", "wb") as file:
        store.save(["busybox"], file, ours)
    skopeo(f"{ours}:{place}/ours.tar:busybox:latest", f"{theirs}:{place}/theirs.tar:other:2")
    with open(place / "theirs.tar", "rb") as file:
        (loaded,) = store.load(file)
    assert loaded.name == "other:2"
    assert loaded.config.diff_ids == image.config.diff_ids and loaded.run_config == image.run_config


def test_several_images_share_their_blobs(store: Store, place: Path, image: Image) -> None:
    store.tag("busybox", "other:1")
    file = io.BytesIO()
    store.save(["busybox", "other:1"], file)
    other = Store(str(place / "other"))
    assert sorted(one.name for one in other.load(io.BytesIO(file.getvalue()))) == ["busybox:latest", "other:1"]
    other.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_import(store: Store, place: Path, pack: object) -> None:
    data = pack(archive(directory("./"), entry("hello", b"world")))  # type: ignore[operator]
    image = store.import_(io.BytesIO(data), "mine:1", cmd=("/hello",), env=("A=1",))
    assert image.run_config == {"Cmd": ["/hello"], "Env": ["A=1"]}
    rootfs = store.prepare_rootfs(image, "c1")
    rootfs.mount(str(place / "root"))
    assert (place / "root/hello").read_bytes() == b"world"
    rootfs.remove()


def test_the_command_line(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = ["--data-root", str(place / "cli")]
    (place / "rootfs.tar").write_bytes(archive(entry("x", b"x")))
    assert execute([*root, "import", "-c", 'CMD ["/x"]', str(place / "rootfs.tar"), "rootfs"]) == 0
    assert capfd.readouterr().out.startswith("sha256:")
    assert execute([*root, "save", "-o", str(place / "saved.tar"), "rootfs"]) == 0
    assert execute([*root, "image", "rm", "rootfs"]) == 0
    assert execute([*root, "load", "-q", "-i", str(place / "saved.tar")]) == 0
    assert capfd.readouterr().out.endswith("Loaded image: rootfs:latest\n")
    assert execute([*root, "save", "-o", str(place / "no.tar"), "nothing"]) == 1
    assert "No such image: nothing" in capfd.readouterr().err and sorted(os.listdir(place)) == ["cli", "rootfs.tar", "saved.tar"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no image"),
        (b"#!/bin/sh\n" * 99, "broken header"),
        (archive(entry("etc/passwd")), "rung import"),
        (archive(entry("manifest.json", b"{}")), "manifest.json"),
        (archive(entry("manifest.json", b'[{"Config":"c","Layers":["l"],"RepoTags":null}]')), "not there"),
        (archive(entry("index.json", b'{"schemaVersion":2,"manifests":[]}')), "no image"),
        (archive(entry("blobs/sha256/" + "0" * 64, b"x")), "has the digest"),
        (archive(entry("blobs/sha256/x", b"x")), "hexadecimal"),
        (archive(entry("../x", b"x")), "climbs"),
    ],
)
def test_what_is_no_image_leaves_nothing(store: Store, data: bytes, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        store.load(io.BytesIO(data))
    assert store.images() == [] and list(store.content.blobs.all()) == []
    assert os.listdir(store.content.blobs.ingest_directory) == []


def test_an_empty_import_is_refused(store: Store) -> None:
    with pytest.raises(ArchiveError, match="empty"):
        store.import_(io.BytesIO(b""), "mine:1")
