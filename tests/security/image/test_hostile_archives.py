"""Archives from strangers, given to ``load``: an error in one sentence, and nothing kept.

Layers' own tricks are in ``test_hostile_layers``; here it is the archive around them that lies.
"""

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
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Parts,
    archive,
    describe,
    directory,
    entry,
    hardlink,
    header,
    layout_archive,
    sha256,
    symlink,
)
from rung.errors import RungError
from rung.image import Store

GOOD = Parts([archive(directory("bin"), entry("bin/x", b"x"))])
LAYER = archive(entry("x", b"x"))
CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [sha256(LAYER)]}}
).encode()


def docker(entries: Any, *more: Any) -> bytes:
    return archive(entry("c.json", CONFIG), entry("l/layer.tar", LAYER), *more, entry("manifest.json", json.dumps(entries).encode()))


def layout(top: Any, *documents: bytes) -> bytes:
    return layout_archive(index=top, more={sha256(one): one for one in documents})


def itself() -> bytes:
    """An index cannot name its own digest; one may be named again and again below each other."""
    document = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [describe(b"", OCI_INDEX)]}).encode()
    documents = [document]
    for _ in range(8):
        document = json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [describe(document, OCI_INDEX)]}
        ).encode()
        documents.append(document)
    return layout({"schemaVersion": 2, "manifests": [describe(document, OCI_INDEX)]}, *documents)


def legacy(**folders: dict[str, Any]) -> bytes:
    files = [part for name, value in folders.items() for part in (entry(f"{name}/json", json.dumps(value).encode()), entry(f"{name}/layer.tar", LAYER))]
    return archive(*files, entry("repositories", json.dumps({"a": {"1": next(iter(folders), "x")}}).encode()))


def changed(**fields: Any) -> bytes:
    parts = Parts([LAYER])
    parts.document |= fields
    return layout_archive((parts, "a:1"))


def many_layers() -> bytes:
    parts = Parts([LAYER])
    parts.document["layers"] *= 3
    return layout_archive((parts, "a:1"))


def wrong_diff_id() -> bytes:
    parts = Parts([LAYER], config={})
    config = json.loads(parts.config)
    config["rootfs"]["diff_ids"] = [sha256(b"something else")]
    parts.config = json.dumps(config).encode()
    parts.document["config"] = describe(parts.config, OCI_CONFIG)
    return layout_archive((parts, "a:1"))


def size_that_lies() -> bytes:
    file = header(b"big", size=(1 << 33) - 1)
    return layout_archive((Parts([gzip.compress(file + bytes(1 << 20))], compress=False), "a:1"))


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "no image"),
    "truncated": (lambda: layout_archive((GOOD, "a:1"))[:1300], "cut off"),
    "truncated gzip": (lambda: gzip.compress(layout_archive((GOOD, "a:1")))[:-30], "cut off|ends"),
    "not a tar within gzip": (lambda: gzip.compress(b"x" * 5000), "broken header"),
    "a name that climbs": (lambda: archive(entry("../../etc/cron.d/x", b"x")), "climbs"),
    "an absolute name": (lambda: archive(entry("/etc/cron.d/x", b"x")), "no image"),
    "a link to outside": (lambda: docker([{"Config": "c.json", "Layers": ["e"]}], symlink("e", "/etc/passwd")), "not there"),
    "a link that climbs": (lambda: docker([{"Config": "c.json", "Layers": ["e"]}], symlink("e", "../../../etc/passwd")), "climbs"),
    "a hard link to outside": (lambda: docker([{"Config": "c.json", "Layers": ["e"]}], hardlink("e", "../etc/passwd")), "climbs"),
    "links in a circle": (lambda: docker([{"Config": "c.json", "Layers": ["a"]}], symlink("a", "b"), symlink("b", "a")), "leads to itself"),
    "a device for a layer": (lambda: docker([{"Config": "c.json", "Layers": ["d"]}], entry("d", type=tarfile.CHRTYPE)), "not there"),
    "no such layer": (lambda: docker([{"Config": "c.json", "Layers": ["nope"]}]), "not there"),
    "a layer that climbs": (lambda: docker([{"Config": "c.json", "Layers": ["../../l/layer.tar"]}]), "climbs"),
    "no such config": (lambda: docker([{"Config": "nope", "Layers": []}]), "not there"),
    "a layer too many": (lambda: docker([{"Config": "c.json", "Layers": ["l/layer.tar"] * 2}]), "names 1 layers"),
    "a layer for a config": (lambda: docker([{"Config": "l/layer.tar", "Layers": []}]), "JSON"),
    "a manifest that is none": (lambda: docker({"Config": "c.json"}), "must be a list"),
    "entries that are none": (lambda: docker(["x", 5]), "must be a string"),
    "layers that are none": (lambda: docker([{"Config": "c.json", "Layers": {"a": 1}}]), "must be a list of strings"),
    "a name that is none": (lambda: docker([{"Config": "c.json", "Layers": ["l/layer.tar"], "RepoTags": ["../x:1"]}]), "manifest.json"),
    "an index 8 deep": (itself, "nested more than"),
    "an index without manifests": (lambda: layout({"schemaVersion": 2, "manifests": []}), "no image"),
    "an index of what is not there": (lambda: layout({"schemaVersion": 2, "manifests": [describe(b"x", OCI_MANIFEST)]}), "not there"),
    "an index that is a manifest": (lambda: layout({"schemaVersion": 2, "layers": [], "config": {}}), "index.json"),
    "a manifest of junk": (lambda: layout({"schemaVersion": 2, "manifests": [describe(b"junk", OCI_MANIFEST)]}, b"junk"), "not JSON"),
    "a huge document": (lambda: archive(entry("index.json", b" " * (9 << 20))), "larger than a document"),
    "many documents": (lambda: archive(*(entry(f"f{n}/json", b" " * (1 << 20)) for n in range(9))), "more than"),
    "many entries": (lambda: header(b"d/", type=b"5") * 100_001, "more than 100000 entries"),
    "a blob with another digest": (lambda: archive(entry("blobs/sha256/" + "0" * 64, b"x")), "has the digest"),
    "a blob with no digest's name": (lambda: archive(entry("blobs/sha256/x", b"x")), "hexadecimal"),
    "a blob of an unknown algorithm": (lambda: archive(entry("blobs/md5/" + "0" * 32, b"x")), "sha256 or sha512"),
    "a layer's other diff ID": (wrong_diff_id, "diff ID"),
    "more layers than diff IDs": (many_layers, "names 1 layers, its manifest 3"),
    "an artifact": (lambda: changed(config=describe(b"{}", "application/vnd.example+json")), "no image"),
    "a layer that is no layer": (lambda: changed(layers=[describe(LAYER, "text/plain")]), "not a file system layer"),
    "a schema of long ago": (lambda: changed(schemaVersion=1), "schemaVersion"),
    "two meanings": (lambda: changed(manifests=[]), "does not belong"),
    "a size below nothing": (lambda: changed(config={**describe(GOOD.config, OCI_CONFIG), "size": -1}), "size"),
    "a size that lies": (size_that_lies, "cut off"),
    "its own parent": (lambda: legacy(x={"parent": "x"}), "its own parent"),
    "a parent that is not there": (lambda: legacy(x={"parent": "y"}), "not there"),
    "a parent that climbs": (lambda: legacy(x={"parent": "../../etc"}), "climbs"),
    "a parent that is no name": (lambda: legacy(x={"parent": 5}), "must be a string"),
    "repositories of junk": (lambda: archive(entry("repositories", b"[]")), "must be an object"),
}


@pytest.mark.parametrize("case", CASES)
def test_is_refused_and_leaves_nothing(store: Store, place: Path, outside: Path, case: str) -> None:
    make, reason = CASES[case]
    with pytest.raises(RungError, match=reason) as raised:
        store.load(io.BytesIO(make()))
    assert str(raised.value).isprintable() and len(str(raised.value)) < 600
    content = store.content
    assert store.images() == [] and list(content.blobs.all()) == [] and list(content.layers.all()) == []
    assert [*os.listdir(content.layers.new_directory), *os.listdir(content.blobs.ingest_directory)] == []
    assert store.verify().problems == ()


def test_duplicates_mean_the_last_one(store: Store) -> None:
    """As tar has it; each is looked at all the same."""
    other = json.dumps([{"Config": "c.json", "Layers": ["l/layer.tar"], "RepoTags": ["b:1"]}]).encode()
    data = docker([{"Config": "c.json", "Layers": ["l/layer.tar"], "RepoTags": ["a:1"]}], entry("l/layer.tar", LAYER), entry("manifest.json", other))
    assert [image.name for image in store.load(io.BytesIO(data))] == ["a:1"]


def test_a_stranger_s_words_cannot_write_to_the_terminal(store: Store) -> None:
    data = docker([{"Config": "\x1b]0;owned\x07", "Layers": []}])
    with pytest.raises(RungError) as raised:
        store.load(io.BytesIO(data))
    assert "\x1b" not in str(raised.value)


def test_sha512(store: Store, place: Path) -> None:
    """Not hostile, but as rare: content by its SHA-512, the configuration too."""
    import hashlib

    def describe512(data: bytes, media_type: str) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": "sha512:" + hashlib.sha512(data).hexdigest(), "size": len(data)}

    diff_id = "sha512:" + hashlib.sha512(LAYER).hexdigest()
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["x"]}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    ).encode()
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": describe512(config, OCI_CONFIG), "layers": [describe512(LAYER, OCI_LAYER)]}
    manifest = json.dumps(document).encode()
    annotations = {"org.opencontainers.image.ref.name": "long:1"}
    top = {"schemaVersion": 2, "manifests": [{**describe512(manifest, OCI_MANIFEST), "annotations": annotations}]}
    blobs = {describe512(one, "")["digest"]: one for one in (config, LAYER, manifest)}
    (image,) = store.load(io.BytesIO(layout_archive(index=top, more=blobs)))
    assert image.id.algorithm == "sha512" and store.verify().problems == () and store.verify().blobs == 3
    assert store.get(image.id.short).id == image.id and store.get(str(image.id)).id == image.id
    rootfs = store.prepare_rootfs(image, "c512")
    rootfs.mount(str(place / "root"))
    assert (place / "root/x").read_bytes() == b"x"
    rootfs.remove()
    saved = io.BytesIO()
    store.save(["long:1"], saved)
    assert store.remove("long:1").deleted[0] == str(image.id)
    assert [one.id for one in store.load(io.BytesIO(saved.getvalue()))] == [image.id]
