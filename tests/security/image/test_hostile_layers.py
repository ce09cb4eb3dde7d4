"""Layers from strangers: an error that names the entry, nothing outside, nothing kept.

CVE-2018-15664 and CVE-2019-14271 (links followed in the host's view), CVE-2021-30465
(links put in between), CVE-2024-24786's kin (endless documents), and tar-slip in all its
forms. Every case goes the whole way: a registry serves it, ``pull`` meets it.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import threading
from pathlib import Path

import pytest

from imageparts import Parts, Registry, archive, describe, directory, entry, hardlink, header, sha256, symlink
from rung.errors import RungError
from rung.image import LayerError, RegistryError, Store, bring
from rung.image.snapshot import layers
from rung.spec.image import Descriptor, Digest

DEEP = "/".join(["d"] * 10_000)

ESCAPES = {
    "dot-dot": archive(entry("../outside/evil")),
    "dot-dot in the middle": archive(entry("a/b/../../../outside/evil")),
    "absolute and dot-dot": archive(entry("/../../outside/evil")),
    "directory named dot-dot": archive(directory("..")),
    "symlink named dot-dot": archive(symlink("a/../..", "x")),
    "hard link to outside": archive(hardlink("evil", "../outside/secret")),
    "hard link through a link": archive(symlink("up", "/../../../outside"), hardlink("evil", "up/secret")),
    "hard link to what is only below": archive(hardlink("evil", "etc/passwd")),
    "hard link to a directory": archive(directory("d"), hardlink("evil", "d")),
    "hard link to itself": archive(hardlink("evil", "evil")),
    "hard link to a whiteout": archive(entry(".wh.gone"), hardlink("evil", "gone")),
    "hard link to the root": archive(hardlink("evil", "/")),
    "write through a file": archive(entry("f"), entry("f/evil")),
    "link in a circle": archive(symlink("a", "b"), symlink("b", "a"), entry("a/evil")),
    "write through a link to nowhere": archive(symlink("a", "/nowhere"), entry("a/evil")),
    "write through a magic link": archive(symlink("a", "/proc/self/root/outside"), entry("a/evil")),
    "file over a link": archive(symlink("passwd", "/etc/passwd"), entry("passwd", b"evil")),
    "device over a link": archive(symlink("x", "/y"), entry("x", type=tarfile.CHRTYPE)),
    "directory over a link": archive(symlink("x", "/etc"), directory("x")),
    "file twice": archive(entry("x", b"1"), entry("./x", b"2")),
    "file over a directory": archive(directory("x"), entry("x")),
    "root as a file": archive(entry("./")) if False else header(b"./", size=0) + bytes(1024),
    "whiteout that climbs": archive(entry("a/.wh...")),
    "whiteout of the directory itself": archive(entry("a/.wh..")),
    "whiteout of nothing": archive(entry("a/.wh.")),
    "opaque whiteout behind dot-dot": archive(entry("../.wh..wh..opq")),
    "a name longer than a name": archive(entry("n" * 256)),
    "ten thousand directories deep": archive(entry(DEEP)),
    "a link's target longer than a path": archive(symlink("l", "t" * 5000)),
    "empty link target": header(b"l", type=b"2") + bytes(1024),
    "an unknown type": header(b"x", type=b"Q") + bytes(1024),
    "a sparse file without a map": header(b"x", type=b"S", size=512) + bytes(2048),
    "a sparse file's map beyond its end": archive(
        entry("x", b"y" * 512, pax_headers={"GNU.sparse.map": "512,512", "GNU.sparse.size": "600"})
    ),
    "a sparse file's map that goes back": archive(
        entry("x", b"y" * 1024, pax_headers={"GNU.sparse.map": "512,512,0,512", "GNU.sparse.size": "4096"})
    ),
    "a sparse file's endless map": archive(
        entry("x", b"999999999\n" + b"0\n" * 251, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.realsize": "9"})
    ),
    "a sparse file of a form to come": archive(
        entry("x", pax_headers={"GNU.sparse.major": "2", "GNU.sparse.realsize": "9"})
    ),
    "a size that lies": header(b"x", size=1 << 30) + b"short",
    "a size of its own length": header(b"x", size_field=b"\x80" + b"\xff" * 11) + bytes(1024),
    "an owner that is none": header(b"x", uid=b"\xff" * 8) + bytes(1024),
    "gigabytes of extended header": header(b"x", type=b"x", size=(1 << 33) - 1) + bytes(4096),
    "cut off in a header": archive(entry("a"))[:200],
    "cut off in data": archive(entry("a", b"x" * 5000))[:3000],
    "two archives one behind the other": archive(entry("a"))[:512] + bytes(512) + archive(entry("b")),
    "capabilities on a link": archive(symlink("l", "x", pax_headers={"SCHILY.xattr.security.capability": "x"})),
    "broken capabilities": archive(entry("f", pax_headers={"SCHILY.xattr.security.capability": "x"})),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_is_refused(clean_store: Store, registry: Registry, outside: Path, name: str) -> None:
    with pytest.raises(LayerError) as caught:
        clean_store.pull(registry.serve(Parts([ESCAPES[name]])))
    sentence = str(caught.value)
    assert sentence.startswith("layer ") and "\n" not in sentence and len(sentence) < 700


STAYS = {
    "absolute name": (archive(entry("/outside/evil", b"x")), "outside/evil"),
    "symlink to the host, then write": (archive(symlink("up", "../../../../../.."), entry("up/evil", b"x")), "evil"),
    "absolute symlink, then write": (archive(directory("t"), symlink("a", "/t"), entry("a/evil", b"x")), "t/evil"),
    "symlinks that meet above": (
        archive(directory("d/e"), symlink("d/e/s", "../../../.."), entry("d/e/s/evil", b"x")), "evil",
    ),
    "hard link to a symlink to the host": (
        archive(symlink("s", "/etc/shadow"), hardlink("evil", "s")), "evil",
    ),
    "whiteout through a symlink": (archive(directory("t"), symlink("a", "/t"), entry("a/.wh.evil")), "t/evil"),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS)
def test_stays_inside(store: Store, registry: Registry, outside: Path, name: str) -> None:
    data, expected = STAYS[name]
    image = store.pull(registry.serve(Parts([data])))
    layer = Path(store.prepare_rootfs(image, "c1").layers[0])
    assert os.path.lexists(layer / expected)
    found = (layer / expected).lstat()
    assert (layer / expected).is_symlink() or found.st_size in (0, 1)
    store.remove_rootfs("c1")


def test_a_second_layer_cannot_write_through_the_first_one_s_links(store: Store, registry: Registry, outside: Path) -> None:
    first = archive(symlink("etc", str(outside)), symlink("up", "../../../outside"))
    second = archive(entry("etc/secret", b"evil"), entry("up/secret", b"evil"))
    image = store.pull(registry.serve(Parts([first, second])))
    for driver in ("overlay", "native"):
        rootfs = store.prepare_rootfs(image, driver, driver=driver)
        rootfs.mount(str(outside.parent / driver))
        assert (outside.parent / driver / "etc/secret").read_bytes() == b"evil"
        rootfs.remove()


def test_a_bomb_is_bounded_by_the_room_there_is(
    clean_store: Store, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_budget", lambda path: 10 << 20)
    bomb = archive(entry("zeros", bytes(64 << 20)))
    with pytest.raises(LayerError, match="more than the 10 MiB"):
        clean_store.pull(registry.serve(Parts([bomb])))


def test_a_bomb_behind_the_archive_s_end_counts_too(
    clean_store: Store, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_budget", lambda path: 10 << 20)
    with pytest.raises(LayerError, match="more than the 10 MiB"):
        clean_store.pull(registry.serve(Parts([archive(entry("a")) + bytes(64 << 20)])))


@pytest.mark.parametrize("damage", ["truncated", "garbage", "other diff id", "not compressed"])
def test_streams_that_are_not_what_they_should_be(clean_store: Store, registry: Registry, damage: str) -> None:
    parts = Parts([archive(entry("a", os.urandom(5000)))])
    good = parts.layers[0]
    data = {
        "truncated": good[:-20],
        "garbage": good[:-4000] + b"\xff" * 4000,
        "other diff id": gzip.compress(archive(entry("b"))),
        "not compressed": b"\0" * 40 + good,
    }[damage]
    parts.layers[0] = data
    parts.document["layers"] = [describe(data, parts.document["layers"][0]["mediaType"])]
    with pytest.raises(LayerError, match=r"cut off|damaged|diff ID|header"):
        clean_store.pull(registry.serve(parts))


def test_deep_trees_are_removed_without_recursion(store: Store, registry: Registry) -> None:
    members = [entry("/".join(["d"] * depth) + "/f") for depth in (500, 1000, 2000)]
    name = registry.serve(Parts([archive(*members)]))
    image = store.pull(name)
    rootfs = store.prepare_rootfs(image, "c1", driver="native")
    rootfs.remove()
    store.remove(name)
    assert os.listdir(store.content.layers.directory + "/sha256") == []


def test_names_in_errors_cannot_write_to_the_terminal(clean_store: Store, registry: Registry) -> None:
    with pytest.raises(LayerError) as caught:
        clean_store.pull(registry.serve(Parts([archive(entry("\x1b[2J\n/../../x"))])))
    assert str(caught.value).isprintable()


def test_a_config_with_other_layers_than_the_manifest(clean_store: Store, registry: Registry) -> None:
    parts = Parts([archive(entry("a")), archive(entry("b"))])
    parts.document["layers"].pop()
    with pytest.raises(RungError, match="names 2 layers, its manifest 1"):
        clean_store.pull(registry.serve(parts))


def test_a_layer_that_is_no_layer(clean_store: Store, registry: Registry) -> None:
    parts = Parts([archive(entry("a"))])
    parts.document["layers"][0]["mediaType"] = "application/x-sbom"
    with pytest.raises(RungError, match=r"layers\[0\].mediaType"):
        clean_store.pull(registry.serve(parts))
    assert not any(sha256(parts.layers[0]) in path for path, _ in registry.requests)


def test_a_refused_layer_s_rest_is_not_waited_for_long(clean_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its download is given up; the error is the layer's."""
    monkeypatch.setattr(bring, "_PATIENCE_S", 0.05)
    parts = Parts([archive(entry("../evil"))])
    given_up = threading.Event()

    class Endless:
        def fetch(self, blob: object, tap: object = None) -> None:
            more = parts.layers[0]
            for _ in range(30_000):
                tap.write(more)  # type: ignore[attr-defined]
                more = gzip.compress(bytes(1 << 16))
                if given_up.wait(0.001):
                    break
            raise RegistryError("download", "some/image", "was given up")

        def cancel(self) -> None:
            given_up.set()

    blob = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Digest.parse(sha256(parts.layers[0])), 1 << 40)
    bringing = bring.Bringing(clean_store.content, Endless(), lambda event: None, beside=1)
    with pytest.raises(LayerError, match="climbs out of the layer"):
        bringing.layer(blob, Digest.parse(parts.diff_ids[0]))
    assert given_up.is_set()
