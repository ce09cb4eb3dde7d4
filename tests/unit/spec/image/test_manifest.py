"""Manifests and indexes: what is usable is read, what is not is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageparts import OCI_INDEX, Parts, archive, describe
from rung.spec.errors import SpecError
from rung.spec.image import Index, Manifest, parse_manifest
from rung.spec.image.manifest import check_layers

PARTS = Parts([archive()])


def changed(path: str, value: Any) -> bytes:
    """The good manifest with one field set, or taken away with ``...``."""
    document: Any = json.loads(PARTS.manifest)
    here, keys = document, path.split(".")
    for key in keys[:-1]:
        here = here[int(key)] if key.isdigit() else here[key]
    if value is ...:
        del here[keys[-1]]
    else:
        here[int(keys[-1]) if keys[-1].isdigit() else keys[-1]] = value
    return json.dumps(document).encode()


def test_reads_a_manifest() -> None:
    manifest = parse_manifest(PARTS.manifest)
    assert isinstance(manifest, Manifest)
    assert str(manifest.config.digest) == PARTS.document["config"]["digest"]
    assert [layer.size for layer in manifest.layers] == [len(PARTS.layers[0])]
    check_layers(manifest, "manifest")


def test_reads_docker_s_manifest_and_one_without_a_type() -> None:
    assert isinstance(parse_manifest(Parts([archive()], media="docker").manifest), Manifest)
    assert isinstance(parse_manifest(changed("mediaType", ...)), Manifest)


def test_reads_an_index() -> None:
    entry = describe(
        PARTS.manifest, PARTS.document["mediaType"], platform={"os": "linux", "architecture": "arm64"}
    )
    index = parse_manifest(json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
    assert isinstance(index, Index)
    assert index.media_type == OCI_INDEX
    assert str(index.manifests[0].platform) == "linux/arm64"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("schemaVersion", ..., "schemaVersion"),
        ("schemaVersion", 1, "schemaVersion"),
        ("schemaVersion", "2", "schemaVersion"),
        ("mediaType", "text/plain", "mediaType"),
        ("mediaType", 5, "mediaType"),
        ("manifests", [], "manifests"),
        ("config", ..., "config"),
        ("config", [], "config"),
        ("config.digest", ..., "config.digest"),
        ("config.digest", "sha256:1", "config.digest"),
        ("config.size", -1, "config.size"),
        ("config.size", 1.5, "config.size"),
        ("config.size", True, "config.size"),
        ("config.size", 1 << 70, "config.size"),
        ("config.mediaType", ..., "config.mediaType"),
        ("layers", ..., "layers"),
        ("layers", {}, "layers"),
        ("layers.0", "x", "layers[0]"),
        ("layers.0.digest", "x", "layers[0].digest"),
        ("layers.0.size", None, "layers[0].size"),
        ("annotations", {"a": 1}, "annotations.a"),
    ],
)
def test_names_the_broken_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_manifest(changed(path, value), document="manifest x")
    assert caught.value.field == field
    assert str(caught.value).startswith(f"manifest x: {field}: ")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"schemaVersion": 2}']
)
def test_refuses_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(SpecError):
        parse_manifest(data)


def test_refuses_a_type_that_contradicts_the_announced_one() -> None:
    with pytest.raises(SpecError, match="announced"):
        parse_manifest(PARTS.manifest, OCI_INDEX)


def test_an_artifact_is_no_image() -> None:
    manifest = parse_manifest(changed("layers.0.mediaType", "application/spdx+json"))
    assert isinstance(manifest, Manifest)
    with pytest.raises(SpecError, match=r"layers\[0\].mediaType"):
        check_layers(manifest, "manifest")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["schemaVersion", "config", "layers", "manifests", "digest", "size", "mediaType", "platform"]),
        inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        parse_manifest(json.dumps(value).encode())
    except SpecError:
        pass
