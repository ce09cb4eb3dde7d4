"""``rung image verify``: what is wrong is found, what can be repaired is, and nothing good is lost."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from imageparts import Parts, archive, directory, entry, layout_archive
from rung.cli.main import execute
from rung.image import Image, Store, StoreError


@pytest.fixture
def images(store: Store) -> tuple[Image, Image]:
    """Two images that share a layer."""
    base = archive(directory("bin"), entry("bin/x", b"x" * 5000))
    one, two = Parts([base]), Parts([base, archive(entry("top", b"t"))], config={"Cmd": ["top"]})
    return store.load(io.BytesIO(layout_archive((one, "one:1"))))[0], store.load(io.BytesIO(layout_archive((two, "two:1"))))[0]


def kinds(store: Store) -> list[str]:
    return sorted({problem.kind for problem in store.verify().problems})


def overwrite(path: str, data: bytes) -> None:
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(data)


def test_a_whole_store(store: Store, images: tuple[Image, Image]) -> None:
    found = store.verify()
    assert (found.images, found.layers, found.problems) == (2, 2, ())
    assert found.blobs == 6 and found.bytes == sum(store.content.blobs.size(one) or 0 for one in store.content.blobs.all())


def test_other_bytes_are_found_and_go(store: Store, images: tuple[Image, Image]) -> None:
    layer = images[0].manifest.layers[0].digest
    overwrite(store.content.blobs.path(layer), b"junk")
    found = store.verify()
    assert [(one.kind, one.object) for one in found.problems] == [("blob", str(layer))]
    store.repair(found.problems)
    assert not store.content.blobs.has(layer)
    missing = store.verify().problems
    assert {(one.kind, one.object, one.image[-5:]) for one in missing} == {
        ("missing", str(layer), "one:1"),
        ("missing", str(layer), "two:1"),
    }


def test_a_layer_that_is_shown_from_its_archive(any_store: Store, tmp_path: Path) -> None:
    """Its bytes are hashed again; a damaged one goes, and is made anew from the blob when it is needed."""
    store = any_store
    (image,) = store.load(io.BytesIO(layout_archive((Parts([archive(entry("x", b"x" * 5000))]), "one:1"))))
    assert store.verify().problems == ()
    path = store.content.layers.archive(image.config.diff_ids[0])
    assert bool(path) == (store.content.snapshots.wanted == "erofs")
    if path:
        overwrite(path, b"junk")
        (problem,) = store.verify().problems
        assert (problem.kind, problem.object) == ("layer", str(image.config.diff_ids[0]))
        assert "is shown from an archive with the diff ID sha256:" in problem.reason
        store.repair([problem])
        assert store.content.layers.form(image.config.diff_ids[0]) == ""
    rootfs = store.prepare_rootfs(image, "c1")
    rootfs.mount(str(tmp_path / "root"))
    assert (tmp_path / "root/x").read_bytes() == b"x" * 5000
    rootfs.remove()
    assert store.verify().problems == ()


def test_missing_documents(store: Store, images: tuple[Image, Image]) -> None:
    os.unlink(store.content.blobs.path(images[0].id))
    os.unlink(store.content.blobs.path(images[1].manifest_digest))
    assert {(one.kind, one.object) for one in store.verify().problems} == {
        ("missing", str(images[0].id)),
        ("blob", str(images[0].manifest_digest)),
        ("missing", str(images[1].manifest_digest)),
    }


def test_layers_without_files_are_unpacked_again(store: Store, images: tuple[Image, Image], place: Path) -> None:
    path = store.content.lower_directories(images[0].row.chain)[0]
    os.rename(path, place / "elsewhere")
    assert kinds(store) == ["layer"]
    store.repair(store.verify().problems)
    assert kinds(store) == []
    rootfs = store.prepare_rootfs(images[0], "c1")
    rootfs.mount(str(place / "root"))
    assert (place / "root/bin/x").stat().st_size == 5000
    rootfs.remove()


def test_strays_and_a_wrong_index(store: Store, images: tuple[Image, Image]) -> None:
    blobs = Path(store.content.blobs.directory)
    (blobs / "sha256/not-a-digest").write_text("x")
    (Path(store.content.directory) / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    assert kinds(store) == ["index", "stray"]
    store.repair(store.verify().problems)
    assert kinds(store) == [] and not (blobs / "sha256/not-a-digest").exists()


@pytest.mark.parametrize("damage", ["header", "pages", "empty"])
def test_a_damaged_database_is_made_anew(store: Store, images: tuple[Image, Image], place: Path, damage: str) -> None:
    store.tag("one:1", "again:1")
    store.tag("two:1", "one:1")  # the first one dangles no more than by its other name
    store.remove("again:1")  # and now it is gone
    kept = store.prepare_rootfs(store.get("two:1"), "c1")
    Path(kept.changes, "written").write_text("by the container")
    before = [(image.row.name, image.row.manifest, image.size_bytes) for image in store.images()]
    store.close()
    path = store.content.metadata.path
    for suffix in ("-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    if damage == "header":
        overwrite(path, b"not a database at all")
    elif damage == "pages":
        overwrite(path, b"S" * 0)
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(os.path.getsize(path) - 4096))
    else:
        os.truncate(path, 0)
    root = ["--data-root", store.root]
    if damage != "empty":
        with pytest.raises(StoreError, match="rung image verify --repair"):
            store.images()
        assert execute([*root, "image", "verify", "-q"]) == 1
    else:
        assert store.images() == []
        assert kinds(store) == ["index"]
        return
    assert execute([*root, "image", "verify", "--repair"]) == 0
    assert [(image.row.name, image.row.manifest, image.size_bytes) for image in store.images()] == before
    again = store.rootfs("c1")
    assert again is not None and again.layers == kept.layers
    store.collect()
    again.mount(str(place / "root"))
    assert (place / "root/written").read_text() == "by the container" and (place / "root/top").exists()
    again.remove()


def test_the_command(store: Store, images: tuple[Image, Image], capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--data-root", store.root, "image", "verify"]
    assert execute(root) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 images, 6 blobs (") and out.endswith("), 2 unpacked layers: no problems\n")
    os.unlink(store.content.blobs.path(images[0].manifest.layers[0].digest))
    assert execute([*root, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {one["kind"] for one in found["problems"]} == {"missing"} and found["images"] == 2
    assert execute(root) == 1
    said = capsys.readouterr()
    assert "missing sha256:" in said.out and "docker.io/library/one:1 is incomplete (rung pull it again)" in said.err


def test_what_nothing_needs_goes(store: Store, images: tuple[Image, Image], capsys: pytest.CaptureFixture[str]) -> None:
    stray = store.content.blobs.write(b"nobody needs this")
    assert execute(["--data-root", store.root, "image", "gc"]) == 0
    assert capsys.readouterr().out == f"deleted: {stray}\nTotal reclaimed space: 17B\n"
    assert kinds(store) == []


def test_how_much_room_images_take(store: Store, images: tuple[Image, Image], capsys: pytest.CaptureFixture[str]) -> None:
    store.prepare_rootfs(images[0], "c1")
    usage = store.usage()
    by_name = {image.repo_tags: image for image in usage.images}
    one, two = by_name[("one:1",)], by_name[("two:1",)]
    assert (one.size_bytes, one.shared_bytes, one.unique_bytes, one.containers) == (5000, 5000, 0, 1)
    assert (two.size_bytes, two.shared_bytes, two.unique_bytes, two.containers) == (5001, 5000, 1, 0)
    assert (usage.layers_bytes, usage.reclaimable_bytes, usage.active) == (5001, 1, 1)
    assert execute(["--data-root", store.root, "image", "df"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["Images", "2", "1", "5.001kB", "1B", "(0%)"]
    assert execute(["--data-root", store.root, "image", "df", "-v", "--format", "{{.Repository}} {{.UniqueSize}}"]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["one 0B", "two 1B"]
    store.remove_rootfs("c1")


def test_an_old_database_is_brought_up_to_date(store: Store, images: tuple[Image, Image]) -> None:
    store.close()
    with closing(sqlite3.connect(store.content.metadata.path)) as old:
        old.execute("DROP INDEX image_manifest")
        old.execute("DROP INDEX rootfs_manifest")
        old.execute("DROP INDEX snapshot_unsynced")
        old.execute("ALTER TABLE snapshot DROP COLUMN unsynced")
        old.execute("PRAGMA user_version = 1")
    assert {image.name for image in store.images()} == {"one:1", "two:1"}
    store.close()
    with closing(sqlite3.connect(store.content.metadata.path)) as new:
        assert new.execute("PRAGMA user_version").fetchone()[0] > 1
        assert new.execute("SELECT count(*) FROM sqlite_master WHERE name = 'image_manifest'").fetchone()[0] == 1


def set_boot(store: Store, boot: str) -> None:
    """Have the database say that all layers were written in another boot, and nobody had waited for the disk."""
    with store.content.metadata.transaction() as change:
        change.execute("UPDATE snapshot SET unsynced = ?", boot)
    store.close()


def test_layers_that_were_not_on_the_disk_when_the_machine_went_down(
    store: Store, images: tuple[Image, Image], place: Path
) -> None:
    top = Path(store.content.lower_directories(images[1].row.chain)[0])
    (top / "top").write_bytes(b"")  # as a file system leaves a file whose content had not been written
    with store.content.metadata.transaction() as change:
        assert {row[0] for row in change.execute("SELECT unsynced FROM snapshot")} == {""}
    store.prepare_rootfs(images[1], "before").remove()
    set_boot(store, "an-earlier-boot")
    assert kinds(store) == []  # they are unknown now, and nobody's
    rootfs = store.prepare_rootfs(store.get("two:1"), "c1")
    rootfs.mount(str(place / "root"))
    assert (place / "root/top").read_bytes() == b"t"
    rootfs.remove()
    store.collect()
    assert kinds(store) == [] and len(list(store.content.layers.all())) == 2
    with store.content.metadata.transaction() as change:
        assert {row[0] for row in change.execute("SELECT unsynced FROM snapshot")} == {""}
