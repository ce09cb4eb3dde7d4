"""Layouts, archives and directories that lie, as sources of ``image copy``: one sentence, nothing at the other end."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageparts import (
    OCI_INDEX,
    OCI_MANIFEST,
    Parts,
    archive,
    describe,
    entry,
    hardlink,
    header,
    sha256,
    symlink,
)
from rung.errors import RungError
from rung.image import Store, copy_image

IT = Parts([archive(entry("file", b"content" * 1000))])
LAYER, CONFIG = (sha256(data).partition(":")[2] for data in (IT.layers[0], IT.config))
MANIFEST = sha256(IT.manifest).partition(":")[2]
REF = "org.opencontainers.image.ref.name"


def files(**changes: bytes | None) -> dict[str, bytes]:
    """An image layout's files, some of them changed (``config``, ``layer``, ``manifest``, ``index``) or left out."""
    at = describe(IT.manifest, OCI_MANIFEST, annotations={REF: "1"})
    found: dict[str, bytes | None] = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        f"blobs/sha256/{CONFIG}": changes.get("config", IT.config),
        f"blobs/sha256/{LAYER}": changes.get("layer", IT.layers[0]),
        f"blobs/sha256/{MANIFEST}": changes.get("manifest", IT.manifest),
        "index.json": changes.get("index", json.dumps({"schemaVersion": 2, "manifests": [at]}).encode()),
    }
    return {name: data for name, data in found.items() if data is not None}


def index(**fields: Any) -> bytes:
    at = describe(IT.manifest, OCI_MANIFEST, annotations={REF: "1"}) | fields
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [at]}).encode()


LIES: dict[str, tuple[dict[str, bytes], str]] = {
    "a layer of other bytes": (files(layer=b"x" * len(IT.layers[0])), "has the digest"),
    "a layer that is too short": (files(layer=IT.layers[0][:-1]), "where .* were announced"),
    "a layer that is too long": (files(layer=IT.layers[0] + b"x"), "longer than"),
    "no layer": (files(layer=None), "is not in the store|there is no"),
    "a config of other bytes": (files(config=b"x" * len(IT.config)), "has the digest"),
    "a manifest of other bytes": (files(manifest=IT.manifest.replace(b"layers", b"layerz")), "has other bytes"),
    "no manifest": (files(manifest=None), "not in the store|not there"),
    "an index that is none": (files(index=b"<html>"), "is not JSON"),
    "an index of nothing": (files(index=b'{"schemaVersion": 2, "manifests": []}'), "has no '1'"),
    "an index that is huge": (files(index=b" " * (9 << 20)), "larger than a document"),
    "a digest that climbs": (files(index=index(digest="sha256:../../../../etc/passwd")), "lower-case hexadecimal"),
    "an algorithm that climbs": (files(index=index(digest="../x:" + "0" * 64)), "is not a sha256"),
    "a size that lies": (files(index=index(size=5)), "has .* bytes"),
    "another type": (files(index=index(mediaType=OCI_INDEX)), "announced"),
}  # fmt: skip


def as_layout(place: Path, members: dict[str, bytes]) -> str:
    for name, data in members.items():
        path = place / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return f"oci:{place}/source:1"


def as_archive(place: Path, members: dict[str, bytes]) -> str:
    (place / "source.tar").write_bytes(archive(*(entry(name, data) for name, data in members.items())))
    return f"oci-archive:{place}/source.tar:1"


def refused(source: str, to: Path, reason: str) -> None:
    """By every kind of destination, and none of them keeps anything."""
    with Store(str(to / "store")) as store:
        for place in ("oci:{}/o:1", "oci-archive:{}/a.tar:1", "docker-archive:{}/b.tar:x:1", "dir:{}/d", "store:hostile:1"):
            with pytest.raises(RungError, match=reason) as caught:
                copy_image(source, place.format(to), lambda event: None, open_store=lambda: store, everything=True)
            assert str(caught.value).isprintable()
        assert store.images() == [] and list(store.content.blobs.all()) == []
        assert os.listdir(store.content.blobs.ingest_directory) == []
    assert sorted(os.listdir(to)) == ["store"]


@pytest.mark.parametrize("form", [as_layout, as_archive])
@pytest.mark.parametrize("lie", LIES)
def test_one_sentence_and_nothing_kept(place: Path, lie: str, form: Callable[[Path, dict[str, bytes]], str]) -> None:
    members, reason = LIES[lie]
    (place / "to").mkdir()
    refused(form(place, members), place / "to", reason)


DOCKER = json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["l.tar"]}]).encode()
ARCHIVES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "has neither index.json nor manifest.json"),
    "no archive": (b"x" * 5000, "is no number"),
    "an archive that is cut off": (archive(*(entry(n, d) for n, d in files().items()))[:-12_000], "cut off|not there|has neither"),
    "compressed and cut off": (gzip.compress(archive(*(entry(n, d) for n, d in files().items())))[:-20], "has no end|cut off"),
    "a size that lies": (header(b"index.json", size=1 << 40) + bytes(1024), "cut off"),
    "links in a circle": (archive(symlink("index.json", "manifest.json"), symlink("manifest.json", "index.json")), "has neither"),
    "a link out of it": (archive(symlink("index.json", "/etc/passwd"), symlink("manifest.json", "etc/x")), "has neither"),
    "a link that climbs": (archive(hardlink("manifest.json", "../../etc/passwd")), "climbs out"),
    "docker's list is none": (archive(entry("manifest.json", b"5")), "holds 0 images"),
    "docker's list is broken": (archive(entry("manifest.json", b"[{")), "is not JSON"),
    "docker's list is of something else": (archive(entry("manifest.json", b"[[]]")), "holds 0 images"),
    "docker's layers are not there": (archive(entry("manifest.json", DOCKER), entry("c.json", b"{}")), "there is no 'l.tar'"),
    "docker's layers are no names": (
        archive(entry("manifest.json", DOCKER.replace(b'["l.tar"]', b'{"a": 1}')), entry("c.json", b"{}")), "names no layers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", ARCHIVES)
def test_archives_that_are_none(place: Path, lie: str) -> None:
    data, reason = ARCHIVES[lie]
    (place / "to").mkdir()
    (place / "source.tar").write_bytes(data)
    refused(f"docker-archive:{place}/source.tar", place / "to", reason)


def test_a_decompression_bomb(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rung.image.transfer import members

    monkeypatch.setattr(members, "_SPOOL_BYTES", 1 << 20)
    (place / "to").mkdir()
    (place / "source.tar").write_bytes(gzip.compress(archive(entry("index.json", bytes(32 << 20)))))
    refused(f"oci-archive:{place}/source.tar:1", place / "to", "more than 100 times as large")


def test_a_whole_index_of_which_a_part_is_missing(place: Path) -> None:
    missing = describe(b"missing", OCI_MANIFEST, platform={"os": "linux", "architecture": "s390x"})
    here = describe(IT.manifest, OCI_MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [here, missing]}).encode()
    members = files(index=json.dumps({"manifests": [describe(data, OCI_INDEX, annotations={REF: "1"})]} | {"schemaVersion": 2}).encode())
    members[f"blobs/sha256/{sha256(data).partition(':')[2]}"] = data
    (place / "to").mkdir()
    refused(as_layout(place, members), place / "to", "is named by an index and not there")


def test_a_failure_leaves_what_was_there(place: Path) -> None:
    """A layout, a directory and an archive that hold an image keep it when the next one does not come through."""
    good = as_layout(place, files())
    to = place / "to"
    to.mkdir()
    places = [f"oci:{to}/o:1", f"dir:{to}/d", f"oci-archive:{to}/a.tar:1"]
    with Store(str(place / "store")) as store:
        for one in places:
            copy_image(good, one, lambda event: None, open_store=lambda: store)
        (place / "bad").mkdir()
        bad = as_layout(place / "bad", files(layer=b"x" * len(IT.layers[0])))
        (to / f"o/blobs/sha256/{LAYER}").unlink()  # so that there is something to bring
        for one in places:
            with pytest.raises(RungError, match="has the digest"):
                copy_image(bad, one, lambda event: None, open_store=lambda: store)
        copy_image(good, places[0], lambda event: None, open_store=lambda: store)
        for one in places:
            at = copy_image(one, f"dir:{place}/check", lambda event: None, open_store=lambda: store)
            assert str(at.digest) == sha256(IT.manifest)
    assert sorted(os.listdir(to)) == ["a.tar", "d", "o"]
    with tarfile.open(fileobj=io.BytesIO((to / "a.tar").read_bytes())) as tar:
        assert f"blobs/sha256/{LAYER}" in tar.getnames()
