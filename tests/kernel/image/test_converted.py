"""Layers in other forms: the files stay, and other tools read them.

There is no stargz reader here: the eStargz layer is read as its specification says, from the footer on.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest

from imageparts import Parts, archive, directory, entry, hardlink, layout_archive, symlink
from rung.cli.main import execute
from rung.image import Image, Store

BIG = os.urandom(5 << 20)
FILES = archive(
    directory("etc", mode=0o750, gid=5),
    entry("etc/conf", b"conf " * 300, mode=0o640, pax_headers={"SCHILY.xattr.user.note": "x"}),
    entry("big", BIG),
    entry("empty"),
    symlink("link", "etc/conf"),
    hardlink("hard", "etc/conf"),
    entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    entry("n" * 200, b"long name"),
)
TOP = archive(entry(".wh.empty"), entry("last", b"z"))


def has_zstd() -> bool:
    from importlib.util import find_spec

    def there(name: str) -> bool:
        try:
            return find_spec(name) is not None
        except ModuleNotFoundError:
            return False

    return any(map(there, ("compression.zstd", "backports.zstd", "zstandard")))


@pytest.fixture
def app(store: Store) -> Image:
    return store.load(io.BytesIO(layout_archive((Parts([FILES, TOP]), "app:1"))))[0]


def convert(store: Store, form: str, name: str = "app:2") -> Image:
    assert execute(["--data-root", store.root, "image", "convert", "-q", f"--{form}", "app:1", name]) == 0
    return store.get(name)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("gzip", "tar+gzip"),
        ("uncompressed", "tar"),
        pytest.param("zstd", "tar+zstd", marks=pytest.mark.skipif(not has_zstd(), reason="this Python cannot write zstd")),
    ],
)
def test_compression_is_all_that_changes(store: Store, app: Image, place: Path, form: str, kind: str) -> None:
    made = convert(store, form)
    assert made.id == app.id and made.row.chain == app.row.chain
    assert {layer.media_type.rpartition(".")[2] for layer in made.manifest.layers} == {kind}
    if form == "gzip":  # was that before
        assert made.manifest.layers == app.manifest.layers
    assert execute(["--data-root", store.root, "image", "convert", "-q", "--gzip", "app:2", "app:3"]) == 0
    assert store.get("app:3").id == app.id and store.verify().problems == ()
    with Store(str(place / "other")) as other:
        file = io.BytesIO()
        store.save(["app:2"], file, "oci-archive")
        (again,) = other.load(io.BytesIO(file.getvalue()))
        assert (again.manifest_digest, again.row.chain) == (made.manifest_digest, app.row.chain)


@pytest.mark.skipif(has_zstd(), reason="this Python can write zstd")
def test_without_zstd_there_is_a_word_on_what_to_install(store: Store, app: Image, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--data-root", store.root, "image", "convert", "--zstd", "app:1", "app:2"]) == 1
    assert "pip install 'rung[zstd]'" in capsys.readouterr().err and store.find("app:2") is None


def table(blob: bytes) -> tuple[bytes, dict[str, dict[str, object]], list[dict[str, object]]]:
    """docs/estargz.md: footer, table of contents, its entries by name and in order."""
    footer = blob[-51:]
    assert footer[:4] == b"\x1f\x8b\x08\x04" and footer[12:14] == b"SG" and struct.unpack("<H", footer[14:16]) == (22,)
    assert footer[32:38] == b"STARGZ" and gzip.decompress(footer) == b""
    offset = int(footer[16:32], 16)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob[offset:-51]))) as tar:
        (member,) = tar.getmembers()
        assert member.name == "stargz.index.json"
        toc = tar.extractfile(member).read()  # type: ignore[union-attr]
    entries = json.loads(toc)["entries"]
    return toc, {one["name"]: one for one in entries if one["type"] != "chunk"}, entries


def member(blob: bytes, offset: int) -> bytes:
    return zlib.decompressobj(31).decompress(blob[offset:])


def test_estargz(store: Store, app: Image, place: Path) -> None:
    made = convert(store, "estargz")
    layer = made.manifest.layers[0]
    blob = Path(store.content.blobs.path(layer.digest)).read_bytes()
    toc, by_name, entries = table(blob)
    assert dict(layer.annotations)["containerd.io/snapshot/stargz/toc.digest"] == "sha256:" + hashlib.sha256(toc).hexdigest()
    assert layer.media_type.endswith("tar+gzip")
    assert list(by_name) == ["etc/", "etc/conf", "big", "empty", "link", "hard", "null", "n" * 200]
    conf = by_name["etc/conf"]
    assert conf | {"offset": 0, "chunkDigest": ""} == {
        "name": "etc/conf", "type": "reg", "modtime": "2023-11-14T22:13:20Z", "mode": 0o640, "uid": 0, "gid": 0, "size": 1500, "offset": 0,
        "digest": "sha256:" + hashlib.sha256(b"conf " * 300).hexdigest(), "chunkDigest": "", "xattrs": {"user.note": base64.b64encode(b"x").decode()},
    }  # fmt: skip
    assert member(blob, conf["offset"]) == b"conf " * 300  # type: ignore[arg-type]
    chunks = [one for one in entries if one["name"] == "big"]
    assert [(one.get("chunkOffset", 0), one["chunkSize"]) for one in chunks] == [(0, 4 << 20), (4 << 20, 1 << 20)]
    assert b"".join(member(blob, one["offset"]) for one in chunks) == BIG  # type: ignore[arg-type]
    assert all(one["chunkDigest"] == "sha256:" + hashlib.sha256(member(blob, one["offset"])).hexdigest() for one in chunks)  # type: ignore[arg-type]
    assert (by_name["link"]["linkName"], by_name["hard"]["linkName"]) == ("etc/conf", "etc/conf")
    assert (by_name["null"]["type"], by_name["null"]["devMajor"], by_name["null"]["devMinor"]) == ("char", 1, 3)
    # To everybody else it is a plain .tar.gz with the same entries, and the table behind them.
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar, tarfile.open(fileobj=io.BytesIO(FILES)) as before:
        assert [one.get_info() for one in tar.getmembers()[:-1]] == [one.get_info() for one in before.getmembers()]
    listed = subprocess.run(["tar", "-tzf", "-"], input=blob, capture_output=True, check=True).stdout.decode().split()
    assert listed[-1] == "stargz.index.json" and listed[1] == "etc/conf"
    assert "sha256:" + hashlib.sha256(gzip.decompress(blob)).hexdigest() == str(made.config.diff_ids[0])
    assert made.run_config == app.run_config and store.verify().problems == ()
    # Converted again, it is the same.
    assert execute(["--data-root", store.root, "image", "convert", "-q", "--estargz", "app:2", "app:3"]) == 0
    assert store.get("app:3").manifest_digest == made.manifest_digest


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="needs skopeo: apt-get install skopeo")
@pytest.mark.parametrize("form", ["uncompressed", "estargz"])
def test_skopeo_takes_it(store: Store, app: Image, place: Path, form: str) -> None:
    made = convert(store, form)
    with open(place / "ours", "wb") as file:
        store.save(["app:2"], file, "oci-archive")
    subprocess.run(["skopeo", "copy", "-q", f"oci-archive:{place}/ours", f"docker-archive:{place}/theirs:app:3"], check=True)
    with open(place / "theirs", "rb") as file:
        (again,) = store.load(file)
    assert again.config.diff_ids == made.config.diff_ids


def test_a_name_that_json_cannot_hold(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.load(io.BytesIO(layout_archive((Parts([archive(entry("h\udcff", b"x"))]), "app:1"))))
    assert execute(["--data-root", store.root, "image", "convert", "-q", "--estargz", "app:1", "app:2"]) == 1
    assert "its name is not UTF-8" in capsys.readouterr().err
    assert store.find("app:2") is None and os.listdir(store.content.blobs.ingest_directory) == []
