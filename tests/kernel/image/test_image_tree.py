"""``images --tree`` of a store: what of an index is here, and what is not."""

from __future__ import annotations

import io
import json

import pytest

from imageparts import OCI_INDEX, OCI_MANIFEST, Parts, archive, describe, entry, layout_archive, sha256
from rung.cli.main import execute
from rung.image import Store


def multi_platform() -> tuple[Parts, bytes]:
    """An index of which one platform is there, with an attestation of it."""
    here = Parts([archive(entry("file", b"x" * 1000))])
    platform = {"os": "linux", "architecture": "amd64"}
    manifests = [
        describe(here.manifest, OCI_MANIFEST, platform=platform),
        describe(b"arm", OCI_MANIFEST, platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
        describe(b"proof", OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"}),
    ]
    return here, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def test_of_a_store(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    here, index = multi_platform()
    top = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [describe(index, OCI_INDEX, annotations={"org.opencontainers.image.ref.name": "app:1"})],
    }
    store.load(io.BytesIO(layout_archive((here, "one:1"), index=top, more={sha256(index): index})))
    (tree,) = store.forest()
    assert (tree.names, tree.digest, tree.in_use) == (("app:1",), sha256(index), False)
    assert [(one.platform, one.digest) for one in tree.branches] == [
        ("linux/amd64", sha256(here.manifest)),
        ("linux/arm64/v8", sha256(b"arm")),
    ]
    assert tree.branches[0].content_bytes == len(here.manifest) + len(here.config) + len(here.layers[0])
    assert tree.branches[0].unpacked_bytes == 1000 and tree.branches[1].disk_bytes == 0
    assert tree.content_bytes == tree.branches[0].content_bytes + len(index)
    assert execute(["--data-root", store.root, "images", "--tree"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert execute(["--data-root", store.root, "images", "--tree", "other"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    for flag in ("--quiet", "--no-trunc", "--digests", "--format=json"):
        assert execute(["--data-root", store.root, "images", "--tree", flag]) == 1
        assert "is not yet supported with --tree" in capsys.readouterr().err
