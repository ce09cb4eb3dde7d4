"""What containerd asks of a snapshotter, of all three."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from rung.image import Store, StoreError
from rung.image.snapshot.snapshots import ACTIVE, COMMITTED, VIEW, Snapshots
from rung.spec.image import Digest

BASE, CHILD, OTHER = (str(Digest.of(name)) for name in (b"base", b"child", b"other"))


@pytest.fixture
def snapshots(any_store: Store) -> Snapshots:
    return Snapshots(any_store.content)


@pytest.fixture
def at(place: Path) -> Path:
    return place / "mounted"


def commit(snapshots: Snapshots, name: str, parent: str, at: Path, write: object) -> None:
    """A committed snapshot with what ``write`` does to it."""
    snapshots.prepare("working", parent)
    snapshots.mount("working", str(at))
    write(at)  # type: ignore[operator]
    snapshots.commit(name, "working")


def base(root: Path) -> None:
    (root / "etc").mkdir(mode=0o750)
    (root / "etc/a").write_bytes(b"a")
    (root / "etc/b").write_bytes(b"b")
    (root / "dir").mkdir()
    (root / "dir/old").write_bytes(b"old")
    os.link(root / "etc/a", root / "etc/a2")


def child(root: Path) -> None:
    (root / "etc/a").unlink()
    (root / "etc/c").write_bytes(b"c")
    (root / "dir/old").unlink()
    (root / "dir").rmdir()
    (root / "dir").mkdir()
    (root / "dir/new").write_bytes(b"new")


def test_what_is_committed_is_seen_by_what_stands_on_it(snapshots: Snapshots, at: Path) -> None:
    commit(snapshots, BASE, "", at, base)
    commit(snapshots, CHILD, BASE, at, child)
    snapshots.prepare("third", CHILD)
    snapshots.mount("third", str(at))
    assert sorted(os.listdir(at)) == ["dir", "etc"] and os.listdir(at / "dir") == ["new"]
    assert sorted(os.listdir(at / "etc")) == ["a2", "b", "c"]
    assert stat.S_IMODE((at / "etc").stat().st_mode) == 0o750
    (at / "etc/b").write_bytes(b"changed")
    snapshots.remove("third")
    snapshots.prepare("fourth", BASE)
    snapshots.mount("fourth", str(at))
    assert (at / "etc/a").read_bytes() == b"a" and (at / "etc/b").read_bytes() == b"b"
    assert os.listdir(at / "dir") == ["old"]
    for name in ("fourth", CHILD, BASE):
        snapshots.remove(name)
    assert list(snapshots.walk()) == []


def test_a_view_cannot_be_written(snapshots: Snapshots, at: Path) -> None:
    commit(snapshots, BASE, "", at, base)
    snapshots.view("look", BASE)
    snapshots.mount("look", str(at))
    assert (at / "etc/a").read_bytes() == b"a"
    with pytest.raises(OSError, match="Read-only"):
        (at / "etc/new").write_bytes(b"")
    with pytest.raises(StoreError, match="is a view"):
        snapshots.commit(CHILD, "look")
    assert snapshots.stat("look").kind == VIEW
    snapshots.remove("look")


def test_stat_walk_and_usage(snapshots: Snapshots, at: Path) -> None:
    commit(snapshots, BASE, "", at, base)
    snapshots.prepare("active", BASE)
    before = snapshots.usage("active")
    snapshots.mount("active", str(at))
    (at / "big").write_bytes(os.urandom(300_000))
    after = snapshots.usage("active")
    assert after.size_bytes - before.size_bytes >= 300_000 and after.inodes == before.inodes + 1
    assert (snapshots.stat("active").kind, snapshots.stat("active").parent) == (ACTIVE, BASE)
    assert (snapshots.stat(BASE).kind, snapshots.stat(BASE).parent) == (COMMITTED, "")
    assert [(info.kind, info.name) for info in snapshots.walk()] == [(COMMITTED, BASE), (ACTIVE, "active")]
    assert snapshots.usage(BASE).inodes == 6
    snapshots.remove("active")


def test_mounts_in_mount_s_words(snapshots: Snapshots, at: Path) -> None:
    """What is returned is what mount(8) takes: tried with it."""
    commit(snapshots, BASE, "", at, base)
    (mount,) = snapshots.prepare("active", BASE)
    assert snapshots.mounts("active") == (mount,)
    at.mkdir(exist_ok=True)
    options = ",".join(mount.options).replace("rbind", "bind")
    kind = ["-t", mount.type] if mount.type != "bind" else []
    subprocess.run(["mount", *kind, "-o", options, mount.source, at], check=True)
    try:
        assert (at / "etc/a").read_bytes() == b"a"
    finally:
        subprocess.run(["umount", at], check=True)
    snapshots.remove("active")


def test_refusals(snapshots: Snapshots, at: Path) -> None:
    commit(snapshots, BASE, "", at, base)
    snapshots.prepare("active", BASE)
    for act, words in (
        (lambda: snapshots.prepare("active", BASE), "exists already"),
        (lambda: snapshots.prepare("x", OTHER), "is not committed"),
        (lambda: snapshots.prepare("../x", BASE), "is not a container's ID"),
        (lambda: snapshots.mounts("nothing"), "is not active"),
        (lambda: snapshots.commit(CHILD, "nothing"), "is not active"),
        (lambda: snapshots.commit(BASE, "active"), "exists already"),
        (lambda: snapshots.stat("nothing"), "does not exist"),
        (lambda: snapshots.remove(OTHER), "is not committed"),
        (lambda: snapshots.remove(BASE), "active stands on it"),
    ):
        with pytest.raises(StoreError, match=words):
            act()
    snapshots.remove("active")
    snapshots.remove(BASE)


def test_128_committed_upon_each_other(snapshots: Snapshots, at: Path) -> None:
    if snapshots.content.snapshots.wanted == "native":
        pytest.skip("native copies all layers for each: what it shows of many is tested with an image of 128 layers")
    parent = ""
    for number in range(128):
        name = str(Digest.of(b"%d" % number))
        commit(snapshots, name, parent, at, lambda root, number=number: (root / f"f{number}").write_bytes(b"%d" % number))
        parent = name
    snapshots.view("top", parent)
    snapshots.mount("top", str(at))
    assert len(os.listdir(at)) == 128
    snapshots.remove("top")


def test_collected_when_nothing_holds_them(any_store: Store, snapshots: Snapshots, at: Path) -> None:
    commit(snapshots, BASE, "", at, base)
    with any_store.content.metadata.lease("test") as lease:
        lease.hold([f"chain:{BASE}"])
        any_store.content.collect()
        assert snapshots.stat(BASE).kind == COMMITTED
    any_store.content.collect()
    assert list(snapshots.walk()) == []
