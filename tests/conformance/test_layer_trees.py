"""What Rung unpacks is what GNU tar and umoci unpack, entry for entry: of real files, and of every odd thing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import trees
from imageparts import OCI_MANIFEST, Parts, archive, directory, entry, hardlink, symlink
from rung.image import Store
from rung.image.layer.extract import extract
from rung.image.snapshot import erofs

from . import daemons
from .image_clients import call, write_layout


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    with trees.ext4(4) as place:
        yield place


@pytest.fixture
def place(disk: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir=disk))
    yield path
    shutil.rmtree(path)


def tar(source: Path, into: Path, *words: str) -> Path:
    """An archive that GNU tar makes of a tree, in an order that is always the same."""
    subprocess.run(["tar", "-C", source, "--sort=name", "--numeric-owner", *words, "-cf", into, "."], check=True, timeout=120)
    return into


def by_gnu_tar(data: Path, into: Path) -> dict[str, tuple[object, ...]]:
    into.mkdir()
    command = ["tar", "-C", into, "-x", "-p", "--same-owner", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-f", data]
    subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)  # it says that it makes old links
    return trees.listing(into)


def by_rung(data: Path, into: Path) -> dict[str, tuple[object, ...]]:
    into.mkdir()
    with open(data, "rb") as file:
        assert extract(file.read, str(into)).notes == ()
    return trees.listing(into)


def by_erofs(data: Path, into: Path) -> dict[str, tuple[object, ...]]:
    if reason := erofs.why_not(str(into.parent)):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    into.mkdir()
    with open(data, "rb") as file:
        assert erofs.unpack(file.read, str(into)).notes == ()
    root = Path(erofs.show(str(into)))
    try:
        return trees.listing(root)
    finally:
        erofs.hide(str(into))


FORMATS = {
    "gnu": ("--format=gnu",),
    "gnu sparse": ("--format=gnu", "--sparse"),
    "pax": ("--format=pax", "--xattrs", "--xattrs-include=*"),
    "pax sparse 0.0": ("--format=pax", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.0"),
    "pax sparse 0.1": ("--format=pax", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.1"),
    "pax sparse 1.0": ("--format=pax", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=1.0"),
}


@pytest.mark.parametrize("by", [by_rung, by_erofs])
@pytest.mark.parametrize("format", FORMATS)
def test_equals_gnu_tar(place: Path, format: str, by: object) -> None:
    trees.odd(place / "source")
    data = tar(place / "source", place / "tar", *FORMATS[format])
    ours, theirs = by(data, place / "ours"), by_gnu_tar(data, place / "theirs")  # type: ignore[operator]
    assert trees.differences(ours, theirs) == []
    if "sparse" in format and by is by_rung:
        assert (place / "ours/d/sparse").stat().st_blocks <= (place / "theirs/d/sparse").stat().st_blocks


def test_the_index_is_what_mkfs_erofs_makes(place: Path) -> None:
    """Mounted, Rung's and erofs-utils' index of one archive show the same."""
    if reason := daemons.needed("mkfs.erofs", "fsck.erofs"):
        pytest.skip(reason)
    trees.odd(place / "source", step_ns=10**9)  # mkfs.erofs 1.8 loses zeros within a fraction of a second
    data = tar(place / "source", place / "tar", "--format=pax", "--xattrs", "--xattrs-include=*")
    ours = by_erofs(data, place / "ours")
    call("fsck.erofs", f"--device={place}/ours/{erofs.TAR}", place / "ours" / erofs.INDEX)
    (place / "theirs/files").mkdir(parents=True)
    shutil.copy(data, place / "theirs" / erofs.TAR)
    call("mkfs.erofs", "--quiet", "--tar=i", place / "theirs" / erofs.INDEX, place / "theirs" / erofs.TAR)
    root = Path(erofs.show(str(place / "theirs")))
    try:
        theirs = trees.listing(root)
    finally:
        erofs.hide(str(place / "theirs"))
    assert trees.differences(ours, theirs) == []


# --- umoci, with layers upon each other ----------------------------------------------------------------


def by_umoci(parts: Parts, place: Path) -> dict[str, tuple[object, ...]]:
    if reason := daemons.needed("umoci"):
        pytest.skip(reason)
    layout = write_layout(place / "layout", parts.manifest, OCI_MANIFEST, parts.blobs)
    call("umoci", "raw", "unpack", "--image", f"{layout}:1", place / "umoci")
    return trees.listing(place / "umoci")


def by_store(parts: Parts, place: Path, snapshotter: str) -> dict[str, tuple[object, ...]]:
    """Loaded, and mounted as a container sees it."""
    store = Store(str(place / snapshotter), snapshotter=snapshotter)
    try:
        manifest = [{"Config": "c", "RepoTags": ["x:1"], "Layers": [f"{at}" for at in range(len(parts.tars))]}]
        members = [entry("manifest.json", json.dumps(manifest).encode()), entry("c", parts.config)]
        members += [entry(str(at), one) for at, one in enumerate(parts.layers)]
        with open(place / "saved", "wb") as file:
            file.write(archive(*members))
        with open(place / "saved", "rb") as file:
            (image,) = store.load(file)
        rootfs = store.prepare_rootfs(image, "c1")
        rootfs.mount(str(place / "root"))
        try:
            return trees.listing(place / "root")
        finally:
            rootfs.remove()
    finally:
        store.close()


UPPER = archive(
    directory("d", mode=0o711, uid=9),
    entry("d/.wh.file"),
    entry("d/e/.wh..wh..opq"),
    directory("d/e", mode=0o700),
    entry("d/e/new", b"new"),
    entry(".wh.tmp"),
    entry("set-group-directory/.wh.below"),
    entry("set-group-directory/below", b"a file now"),
    symlink("into", "/d"),
    entry("into/through", b"written through a link of this layer"),
    hardlink("d/again", "into/through"),
)


@pytest.mark.parametrize("snapshotter", ["overlay", "erofs", "native"])
def test_equals_umoci(place: Path, snapshotter: str) -> None:
    if snapshotter == "erofs" and (reason := erofs.why_not(str(place))):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    trees.odd(place / "source")
    words = FORMATS["pax"]
    base = tar(place / "source", place / "tar", *words).read_bytes()
    parts = Parts([base, UPPER])
    theirs, ours = by_umoci(parts, place), by_store(parts, place, snapshotter)
    assert trees.differences(ours, theirs) == []


@pytest.fixture(scope="module")
def debian(disk: Path, outside_network: Callable[[], AbstractContextManager[None]]) -> tuple[Parts, dict[str, tuple[object, ...]]]:
    """Debian's own root file system, and what both others make of it."""
    if reason := daemons.needed("mmdebstrap"):
        pytest.skip(reason)
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", "--format=tar", "--skip=output/dev", "--quiet", "trixie", "-"]
    for _ in range(2):  # the archive may be busy
        with outside_network():
            run = subprocess.run(
                command, capture_output=True, timeout=400, stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(disk)}
            )
        if run.returncode == 0:
            break
    else:
        pytest.skip(f"no Debian archive to be reached: {run.stderr.decode(errors='replace')[-200:]}")
    place = Path(tempfile.mkdtemp(dir=disk))
    (place / "tar").write_bytes(run.stdout)
    parts = Parts([run.stdout], compress=False)
    theirs = by_gnu_tar(place / "tar", place / "gnu")
    assert trees.differences(theirs, by_umoci(parts, place)) == []
    shutil.rmtree(place)
    return parts, theirs


@pytest.mark.timeout(900)
@pytest.mark.parametrize("snapshotter", ["overlay", "erofs"])
def test_debian_equals_umoci_s_and_gnu_tar_s(
    place: Path, debian: tuple[Parts, dict[str, tuple[object, ...]]], snapshotter: str
) -> None:
    if snapshotter == "erofs" and (reason := erofs.why_not(str(place))):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    parts, theirs = debian
    ours = by_store(parts, place, snapshotter)
    assert len(ours) > 4000 and trees.differences(ours, theirs) == []
