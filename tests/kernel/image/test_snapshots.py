"""Layers upon each other: what a container sees, by overlay and by copy."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from imageparts import Parts, archive, directory, entry, hardlink, symlink
from rung.cli.main import execute
from rung.image import Image, ImageInUse, Store, StoreError
from rung.kernel.mount import is_mountpoint, mount_overlay, mount_overlay_classic, umount

BASE = archive(
    directory("./", mode=0o755),
    directory("etc", mode=0o750, uid=3),
    entry("etc/a", b"base a"),
    entry("etc/b", b"base b"),
    directory("d"),
    entry("d/old", b"old"),
    directory("o"),
    entry("o/hidden", b"hidden"),
    entry("replaced-by-directory"),
    directory("replaced-by-file"),
    entry("replaced-by-file/x"),
)
MIDDLE = archive(
    entry("etc/.wh.a"),
    entry("etc/c", b"middle c"),
    hardlink("etc/c2", "etc/c"),
    entry("o/.wh..wh..opq"),
    entry("o/new", b"new"),
    entry(".wh.d"),
    directory("replaced-by-directory"),
    entry("replaced-by-file", b"file"),
    symlink("etc/link", "b"),
)
TOP = archive(entry("etc/a", b"back again"), entry("etc/deep/er/x", b"x"))


def load(store: Store, parts: Parts, name: str = "test:1") -> Image:
    """Bring an image in as ``docker save`` writes it."""
    members = [entry("manifest.json", _manifest(parts, name)), entry("config.json", parts.config)]
    members += [entry(f"{at}.tar", one) for at, one in enumerate(parts.tars)]
    (image,) = store.load(io.BytesIO(archive(*members)))
    return image


def _manifest(parts: Parts, name: str) -> bytes:
    import json

    layers = [f"{at}.tar" for at in range(len(parts.tars))]
    return json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": layers}]).encode()


def test_what_a_container_sees(any_store: Store, place: Path) -> None:
    store, driver = any_store, any_store.content.snapshots.wanted
    rootfs = store.prepare_rootfs(load(store, Parts([BASE, MIDDLE, TOP])), "c1")
    root = place / "root"
    rootfs.mount(str(root))
    try:
        assert rootfs.driver == driver and is_mountpoint(str(root))
        assert sorted(os.listdir(root)) == ["etc", "o", "replaced-by-directory", "replaced-by-file"]
        assert (root / "etc/a").read_bytes() == b"back again"
        assert (root / "etc/b").read_bytes() == b"base b"
        assert (root / "etc/c").stat().st_ino == (root / "etc/c2").stat().st_ino
        assert os.listdir(root / "o") == ["new"]
        assert (root / "replaced-by-directory").is_dir() and (root / "replaced-by-file").is_file()
        # Implied by two layers, described by the base only:
        found = (root / "etc").stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_mtime) == (0o750, 3, 1_700_000_000)
        assert stat.S_IMODE(root.stat().st_mode) == 0o755 and root.stat().st_mtime == 1_700_000_000
        (root / "etc/b").write_bytes(b"written")
        (root / "o/new").unlink()
    finally:
        rootfs.unmount()
    rootfs.mount(str(root))
    assert (root / "etc/b").read_bytes() == b"written" and os.listdir(root / "o") == []
    other = store.prepare_rootfs(store.get("test:1"), "c2")
    other.mount(str(place / "other"))
    assert (place / "other/etc/b").read_bytes() == b"base b"
    for one in (rootfs, other):
        one.remove()
    assert not is_mountpoint(str(root)) and os.listdir(store.content.rootfs_directory) == []


def test_the_same_again_for_the_same_container(store: Store, place: Path) -> None:
    image = load(store, Parts([BASE]))
    store.prepare_rootfs(image, "c1").mount(str(place / "root"))
    again = store.prepare_rootfs(image, "c1")  # as another process would
    again.unmount()
    assert not is_mountpoint(str(place / "root"))
    again.remove()
    store.remove_rootfs("c1")
    assert store.rootfs("c1") is None
    with pytest.raises(StoreError, match="is not a container's ID"):
        store.prepare_rootfs(image, "../x")


def test_an_image_from_scratch_has_an_empty_root(store: Store, place: Path) -> None:
    rootfs = store.prepare_rootfs(load(store, Parts([])), "c1")
    rootfs.mount(str(place / "root"))
    assert os.listdir(place / "root") == []
    (place / "root/x").write_bytes(b"")
    rootfs.remove()


def test_an_implied_directory_keeps_the_attributes_that_it_has_below(any_store: Store, place: Path) -> None:
    base = archive(directory("d", mode=0o2770, gid=8, pax_headers={"SCHILY.xattr.user.kept": "yes"}), entry("d/old"))
    rootfs = any_store.prepare_rootfs(load(any_store, Parts([base, archive(entry("d/new", b"new"))])), "c1")
    rootfs.mount(str(place / "root"))
    found = (place / "root/d").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid, os.getxattr(place / "root/d", "user.kept")) == (0o2770, 8, b"yes")
    assert sorted(os.listdir(place / "root/d")) == ["new", "old"] and (place / "root/d/new").read_bytes() == b"new"
    rootfs.remove()


def test_a_sparse_file_that_no_index_can_point_at_is_unpacked(any_store: Store, place: Path) -> None:
    odd = entry("odd", b"y" * 1000, pax_headers={"GNU.sparse.map": "100,1000", "GNU.sparse.size": "5000"})
    rootfs = any_store.prepare_rootfs(load(any_store, Parts([archive(odd), archive(entry("even", b"x"))])), "c1")
    rootfs.mount(str(place / "root"))
    assert (place / "root/odd").read_bytes() == bytes(100) + b"y" * 1000 + bytes(3900)
    assert (place / "root/even").read_bytes() == b"x"
    rootfs.remove()


def test_128_layers(any_store: Store, place: Path) -> None:
    store = any_store
    layers = [archive(entry(f"f{at}", b"%d" % at), entry("last", b"%d" % at)) for at in range(128)]
    rootfs = store.prepare_rootfs(load(store, Parts(layers)), "c1")
    rootfs.mount(str(place / "root"))
    assert len(os.listdir(place / "root")) == 129 and (place / "root/last").read_bytes() == b"127"
    rootfs.remove()


def test_the_mount_call_of_older_kernels(place: Path) -> None:
    lowers = []
    for at in range(130):
        lower = place / ("l" * 200) / str(at)
        lower.mkdir(parents=True)
        (lower / f"f{at}").touch()
        lowers.append(str(lower))
    for name in ("upper", "work", "root"):
        (place / name).mkdir()
    for mount in (mount_overlay_classic, mount_overlay):
        mount(lowers, str(place / "upper"), str(place / "work"), str(place / "root"))
        assert len(os.listdir(place / "root")) == 130
        umount(str(place / "root"))


def test_an_overlay_cannot_carry_a_store_and_the_store_copes(store: Store, place: Path) -> None:
    """As in a container whose own root is an overlay."""
    for name in ("lower", "upper", "work", "overlay"):
        (place / name).mkdir()
    mount_overlay([str(place / "lower")], str(place / "upper"), str(place / "work"), str(place / "overlay"))
    inner = Store(str(place / "overlay/store"))
    try:
        rootfs = inner.prepare_rootfs(load(inner, Parts([BASE, archive(entry("x", b"x"))])), "c1")
        assert rootfs.driver == "native"
        rootfs.mount(str(place / "root"))
        assert (place / "root/x").read_bytes() == b"x" and (place / "root/etc/a").exists()
        rootfs.remove()
    finally:
        inner.close()
        umount(str(place / "overlay"))


def test_the_store_s_own_snapshotter(ext4: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNG_SNAPSHOTTER", raising=False)
    root = ["--data-root", str(ext4 / "own")]
    assert execute([*root, "image", "snapshotter"]) == 0 and capfd.readouterr().out == "overlay\n"
    assert execute([*root, "image", "snapshotter", "native"]) == 0
    assert execute([*root, "image", "snapshotter"]) == 0 and capfd.readouterr().out == "native\n"
    assert execute([*root, "--snapshotter", "overlay", "image", "snapshotter"]) == 0 and capfd.readouterr().out == "overlay\n"
    assert execute([*root, "image", "snapshotter", "auto"]) == 0
    assert execute([*root, "image", "snapshotter"]) == 0 and capfd.readouterr().out == "overlay\n"


def test_erofs_on_a_file_system_that_cannot_be_mounted_from(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (place / "rootfs.tar").write_bytes(archive(entry("x", b"x")))
    root = ["--data-root", str(place / "store"), "--snapshotter", "erofs"]
    assert execute([*root, "import", str(place / "rootfs.tar"), "x:1"]) == 1
    assert "snapshotter erofs: cannot work in" in capfd.readouterr().err
    assert execute([*root, "images", "-q"]) == 0 and capfd.readouterr().out == ""


def test_removing(store: Store, place: Path) -> None:
    shared = Parts([BASE, MIDDLE])
    load(store, shared, "one:1")
    load(store, Parts([BASE, TOP]), "two:1")
    rootfs = store.prepare_rootfs(store.get("one:1"), "c1")
    with pytest.raises(ImageInUse, match="container c1"):
        store.remove("one:1")
    removed = store.remove("one:1", force=True)
    assert removed.untagged == ("one:1",)
    rootfs.mount(str(place / "root"))  # its layers are still there
    assert (place / "root/etc/c").exists()
    rootfs.remove()
    store.content.collect()
    assert len(os.listdir(store.content.layers.directory + "/sha256")) == 2  # two:1's
    store.remove("two:1")
    content = store.content
    for directory_ in (content.blobs.directory + "/sha256", content.layers.directory + "/sha256", content.layers.new_directory):
        assert os.listdir(directory_) == []


def test_one_image_with_two_names(store: Store) -> None:
    image = load(store, Parts([BASE]), "one:1")
    store.tag("one:1", "two:2")
    assert store.get(image.id.short).id == image.id
    with pytest.raises(Exception, match="multiple repositories"):
        store.remove(image.id.short)
    assert store.remove("one:1").deleted == ()
    assert store.find("one:1") is None
    assert store.remove(image.id.short).untagged == ("two:2",)


def test_an_opaque_root_hides_the_layers_below(any_store: Store, place: Path) -> None:
    layers = [archive(entry("old", b"1"), directory("d")), archive(entry(".wh..wh..opq"), entry("new", b"2")), archive(entry("top"))]
    rootfs = any_store.prepare_rootfs(load(any_store, Parts(layers)), "c1")
    rootfs.mount(str(place / "root"))
    assert sorted(os.listdir(place / "root")) == ["new", "top"]
    rootfs.remove()
