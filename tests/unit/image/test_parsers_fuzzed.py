"""Made-up input for what strangers write: a parser gives a value or a ``RungError``, soon, and nothing else.

``RUNG_TEST_EXAMPLES`` is how many examples each test tries (150 unless said); they are the same in every run.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imageparts import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, archive, describe, entry, header
from rung.cli.template import Template
from rung.errors import RungError
from rung.image.layer.tar import TarReader
from rung.spec.image import Digest, Index, Manifest, Platform, Reference, parse_config, parse_manifest

EXAMPLES = int(os.environ.get("RUNG_TEST_EXAMPLES", "150"))
few = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)

words = st.text("abz09_.-/:@A[] \n\0é", max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def documents(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A good document with some of its fields, at any depth, replaced or taken away."""

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        found = [path] if path else []
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            found += places(inner, (*path, key))
        return found

    def changed(edits: list[tuple[tuple[Any, ...], Any]]) -> bytes:
        made = json.loads(json.dumps(good))
        for path, value in edits:
            here = made
            try:
                for key in path[:-1]:
                    here = here[key]
                if value is ...:
                    del here[path[-1]]
                else:
                    here[path[-1]] = value
            except (KeyError, IndexError, TypeError):
                continue  # an earlier edit took it away
        return json.dumps(made).encode()

    edit = st.tuples(st.sampled_from(places(good)), st.just(...) | json_values)
    return st.lists(edit, min_size=1, max_size=3).map(changed)


DESCRIPTOR = describe(b"x", OCI_LAYER, annotations={"a": "b"}, urls=["http://x"])
MANIFEST = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": describe(b"{}", OCI_CONFIG), "layers": [DESCRIPTOR], "annotations": {"a": "b"}}
INDEX = {
    "schemaVersion": 2, "mediaType": OCI_INDEX,
    "manifests": [{**describe(b"y", OCI_MANIFEST), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}], "subject": DESCRIPTOR,
}  # fmt: skip
CONFIG = {
    "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
    "config": {"Env": ["A=1"], "Cmd": ["x"], "Labels": {"a": "b"}, "Volumes": {"/v": {}}, "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["NONE"]}},
    "rootfs": {"type": "layers", "diff_ids": [DESCRIPTOR["digest"]]},
    "history": [{"created_by": "x", "empty_layer": True}],
}  # fmt: skip


@few
@given(words)
@example("a" * 300)
@example("localhost/" + "a/" * 200)
@example("a@sha256:" + "0" * 64)
@example("[::1]:5000/a:b@sha512:" + "0" * 128)
def test_references(text: str) -> None:
    try:
        found = Reference.parse(text)
    except RungError as error:
        assert str(error).isprintable()
        return
    assert Reference.parse(str(found)) == found and Reference.parse(found.familiar) == found
    assert (found.tag or found.digest) and len(found.name) <= 255


@few
@given(words | st.text(max_size=20))
def test_digests_and_platforms(text: str) -> None:
    for parse in (Digest.parse, Platform.parse):
        try:
            found = parse(text)
        except RungError:
            continue
        assert parse(str(found)) == found


@few
@given(documents(MANIFEST) | documents(INDEX) | json_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b'{"schemaVersion": 2, "schemaVersion": 1}')
@example(b"\xff\xfe")
def test_manifests(data: bytes) -> None:
    try:
        found = parse_manifest(data)
    except RungError as error:
        assert str(error).isprintable() and len(str(error)) < 1000
        return
    if isinstance(found, Manifest):
        sizes = [found.config.size, *(layer.size for layer in found.layers)]
    else:
        assert isinstance(found, Index)
        sizes = [one.size for one in found.manifests]
    assert all(0 <= size < 1 << 62 for size in sizes)


@few
@given(documents(CONFIG) | json_values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
def test_configurations(data: bytes) -> None:
    try:
        found = parse_config(data)
    except RungError as error:
        assert str(error).isprintable() and len(str(error)) < 1000
        return
    assert all(isinstance(one, str) for one in (*found.env, *found.cmd, found.user, found.working_dir))
    parse_config(json.dumps(found.to_json()).encode())


TAR = archive(
    entry("a/" * 80 + "long", b"x" * 700, pax_headers={"SCHILY.xattr.user.a": "b", "mtime": "1.5"}),
    entry("link", type=tarfile.SYMTYPE, linkname="y" * 200),
    entry("end", b"z"),
)


def read(data: bytes) -> int:
    """All entries and all their bytes; how many bytes."""
    file, total = io.BytesIO(data), 0
    reader = TarReader(file.read)
    for each in reader:
        assert each.size >= 0 and 0 <= each.mode <= 0o7777 and b"\0" not in each.name
        while chunk := reader.data():
            total += len(chunk)
    return total


@few
@given(st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(TAR)))
def test_archives_with_bytes_changed(changes: list[tuple[int, int]], length: int) -> None:
    data = bytearray(TAR)
    for at, value in changes:
        data[at] = value
    try:
        assert read(bytes(data[:length])) <= len(data)
    except RungError as error:
        assert str(error).isprintable()


fields = st.binary(max_size=12)


@few
@given(
    st.lists(
        st.tuples(st.binary(max_size=100), st.sampled_from([b"0", b"5", b"2", b"x", b"g", b"L", b"K", b"S", b"\0", b"7", b"?"]),
                  st.integers(0, 2**33 - 1) | st.integers(0, 600), fields, fields, fields, st.binary(max_size=600)),
        max_size=4,
    )
)  # fmt: skip
def test_archives_of_any_headers(members: list[tuple[Any, ...]]) -> None:
    """Right checksums, anything else in the fields: sizes, times, PAX records of junk."""
    data = b""
    for name, kind, size, mode, mtime, size_field, body in members:
        written = {"mode": mode, "mtime": mtime, **({"size_field": size_field} if size_field else {})}
        data += header(name.replace(b"\0", b""), type=kind, size=size, **written) + body + bytes(-len(body) % 512)
    try:
        assert read(data) <= len(data)
    except RungError as error:
        assert str(error).isprintable()


@few
@given(st.text("{}.$|()\"`= abjsonrngeif\\xédw-0", max_size=40).map(lambda text: "{{" + text + "}}"))
@example("{{" + "(" * 3000 + "}}")
@example("{{if .a}}" * 3000)
def test_templates(text: str) -> None:
    try:
        Template(text).execute({"a": "b", "s": [1]})
    except RungError as error:
        assert "template" in str(error)
