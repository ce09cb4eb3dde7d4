"""Layers as EROFS images: the files stay what they are, erofs-utils finds the images sound, and all that goes with images goes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import trees
from imageparts import Parts, archive, directory, entry, hardlink, layout_archive, symlink
from rung.cli.main import execute
from rung.errors import RungError
from rung.image import ArchiveError, Image, Store
from rung.image.derive.view import shown
from rung.image.layer.compress import compressor
from rung.image.snapshot.erofs import why_not

BASE = archive(
    directory("etc", mode=0o750, gid=5),
    entry("etc/conf", b"conf " * 3000, mode=0o4711, uid=7, pax_headers={"SCHILY.xattr.user.note": "x"}),
    entry("etc/gone"),
    directory("cache"),
    entry("cache/old", b"old"),
    symlink("link", "etc/conf"),
    hardlink("hard", "etc/conf"),
    entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    entry("n" * 200, b"long name", pax_headers={"mtime": "1700000000.123456789"}),
    entry("h\udcff", b"no UTF-8"),
)
TOP = archive(entry("etc/.wh.gone"), entry("cache/.wh..wh..opq"), entry("cache/new", b"new"))


def has_zstd() -> bool:
    try:
        compressor("zstd")
    except RungError:
        return False
    return True


ZSTD = pytest.param("erofs-zstd", marks=pytest.mark.skipif(not has_zstd(), reason="this Python cannot write zstd"))

pytestmark = pytest.mark.skipif(shutil.which("mkfs.erofs") is None, reason="needs mkfs.erofs: apt-get install erofs-utils")


@pytest.fixture
def root(ext4: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="store-", dir=ext4))
    if reason := why_not(str(path)):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["overlay", "erofs", "native"])
def store(request: pytest.FixtureRequest, root: Path) -> Iterator[Store]:
    """Also the fixture that ``app`` stands on."""
    made = Store(str(root / "store"), snapshotter=request.param)
    yield made
    made.close()
    assert str(root) not in Path("/proc/self/mountinfo").read_text()


@pytest.fixture
def app(store: Store) -> Image:
    return store.load(io.BytesIO(layout_archive((Parts([BASE, TOP]), "app:1"))))[0]


def convert(store: Store, form: str, source: str, name: str) -> int:
    words = ["--data-root", store.root, "--snapshotter", store.snapshotter, "image", "convert", "-q", f"--{form}"]
    return execute([*words, source, name])


def listing(store: Store, image: Image) -> dict[str, tuple[object, ...]]:
    with shown(store, image) as place:
        return trees.listing(Path(place))


@pytest.mark.parametrize("form", ["erofs", ZSTD])
def test_the_files_stay(store: Store, app: Image, root: Path, form: str) -> None:
    assert convert(store, form, "app:1", "app:2") == 0
    made = store.get("app:2")
    assert not trees.differences(listing(store, made), listing(store, app))
    assert [layer.media_type for layer in made.manifest.layers] == (
        ["application/vnd.erofs.layer.v1" + ("+zstd" if form == "erofs-zstd" else "")] * 2
    )
    assert made.run_config == app.run_config and store.verify().problems == ()
    if form == "erofs":
        assert tuple(layer.digest for layer in made.manifest.layers) == made.config.diff_ids
        for layer in made.manifest.layers:
            subprocess.run(["fsck.erofs", store.content.blobs.path(layer.digest)], check=True, capture_output=True)
    # It travels, and what is made of the same image is the same.
    with Store(str(root / "other"), snapshotter=store.snapshotter) as other:
        file = io.BytesIO()
        store.save(["app:2"], file, "oci-archive")
        (again,) = other.load(io.BytesIO(file.getvalue()))
        assert again.digest == made.digest and not trees.differences(listing(other, again), listing(store, app))
    store.remove("app:2")
    assert convert(store, form, "app:1", "app:3") == 0
    assert store.get("app:3").digest == made.digest


@pytest.fixture
def plain(root: Path) -> Iterator[Store]:
    with Store(str(root / "store"), snapshotter="overlay") as made:
        made.load(io.BytesIO(layout_archive((Parts([BASE, TOP]), "app:1"))))
        assert convert(made, "erofs", "app:1", "app:2") == 0
        yield made


def test_what_an_image_of_images_cannot(plain: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(plain, "gzip", "app:2", "app:3") == 1
    assert "is an EROFS image, of which no archive is made again" in capsys.readouterr().err
    for command in (["explore", "--text", "app:2"], ["scan", "--packages", "app:2"], ["diff", "app:1", "app:2"]):
        assert execute(["--data-root", plain.root, "image", *command]) == 1
        assert "is an EROFS image, not an archive" in capsys.readouterr().err
    # The way back is the files' own.
    assert execute(["--data-root", plain.root, "image", "squash", "app:2", "app:3"]) == 0
    assert execute(["--data-root", plain.root, "image", "explore", "--json", "app:3"]) == 0


@pytest.mark.skipif(not has_zstd(), reason="this Python cannot write zstd")
def test_compressing_an_image_keeps_it(plain: Store) -> None:
    assert convert(plain, "erofs-zstd", "app:2", "app:3") == 0
    assert plain.get("app:3").id == plain.get("app:2").id and plain.get("app:3").row.chain == plain.get("app:2").row.chain
    assert convert(plain, "erofs", "app:3", "app:4") == 0
    assert plain.get("app:4").digest == plain.get("app:2").digest


def test_without_erofs_utils(plain: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert convert(plain, "erofs", "app:1", "app:5") == 1
    assert "apt-get install erofs-utils" in capsys.readouterr().err and plain.find("app:5") is None
    assert os.listdir(plain.content.layers.new_directory) == []


def hostile(change: bytes, at: int) -> bytes:
    """A sound image's blob with other bytes somewhere in its super block, in an image that calls it a layer."""
    folder = Path(tempfile.mkdtemp(prefix="rung-erofs-"))
    try:
        (folder / "tree").mkdir()
        subprocess.run(["mkfs.erofs", "--quiet", folder / "image", folder / "tree"], check=True)
        data = bytearray((folder / "image").read_bytes())
    finally:
        shutil.rmtree(folder)
    data[at : at + len(change)] = change
    parts = Parts([bytes(data)], compress=False)
    parts.document["layers"][0]["mediaType"] = "application/vnd.erofs.layer.v1"
    return layout_archive((parts, "app:9"))


@pytest.mark.parametrize(
    ("change", "at", "said"),
    [
        (b"\x08", 1024 + 80, "names other devices"),  # EROFS_FEATURE_INCOMPAT_DEVICE_TABLE
        (b"\x01", 1024 + 86, "names other devices"),  # extra_devices
        (b"xxxx", 1024, "is no EROFS image"),
        (b"\xff", 1024 + 12, "cannot be mounted here"),  # a block of 2^255 bytes
    ],
)
def test_hostile_images(plain: Store, change: bytes, at: int, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        plain.load(io.BytesIO(hostile(change, at)))
    assert plain.find("app:9") is None and os.listdir(plain.content.layers.new_directory) == []
    assert plain.verify().problems == ()
