"""Names, edges, leases: what may be collected and what not."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.image.errors import StoreError
from rung.image.store import owner
from rung.image.store.metadata import REGISTRY, Metadata, RootfsRow, chain_key


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[Metadata]:
    made = Metadata(str(tmp_path / "metadata.db"))
    yield made
    made.close()


def add(metadata: Metadata, name: str, manifest: str, config: str = "config", chain: str = "") -> None:
    with metadata.transaction() as change:
        change.set_manifest(manifest, "type", 10, config, chain, "2024", "linux/amd64", 100, {"a": "b"})
        change.add_edges(manifest, [config, *([chain_key(chain)] if chain else [])])
        change.set_image(name, manifest, "type", manifest)


def reachable(metadata: Metadata) -> set[str]:
    with metadata.transaction() as change:
        return change.reachable() - {REGISTRY}


def test_what_a_name_reaches_is_needed(metadata: Metadata) -> None:
    add(metadata, "a", "m1", "c1", chain="L2")
    with metadata.transaction() as change:
        change.add_snapshot("L1", "", "d1", 5)
        change.add_snapshot("L2", "L1", "d2", 7)
    assert reachable(metadata) == {"m1", "c1", "chain:L1", "chain:L2"}
    assert metadata.chain_of("L2") == ["L2", "L1"]
    assert metadata.chain_size("L2") == 12
    with metadata.transaction() as change:
        change.execute("DELETE FROM image")
    assert reachable(metadata) == set()


def test_what_a_repository_links_is_needed(metadata: Metadata) -> None:
    with metadata.transaction() as change:
        change.add_edges(REGISTRY, ["m1"])
        change.add_edges("m1", ["c1"])
        change.add_edges("m2", ["c2"])
        assert change.reachable() == {REGISTRY, "m1", "c1"}


def test_a_container_needs_its_layers_after_the_name_is_gone(metadata: Metadata) -> None:
    with metadata.transaction() as change:
        change.add_snapshot("L1", "", "d1", 5)
        change.add_rootfs(RootfsRow("id", "overlay", "L1", "m1", ""))
    assert reachable(metadata) == {"chain:L1", "m1"}
    assert metadata.rootfs_of_manifest("m1") == ["id"]


def test_a_lease_holds_until_its_end(metadata: Metadata) -> None:
    with metadata.lease("test") as lease:
        lease.hold(["x"])
        assert reachable(metadata) == {"x"}
    assert reachable(metadata) == set()


def test_a_dead_process_s_lease_does_not(metadata: Metadata) -> None:
    pid = os.fork()
    if pid == 0:
        lease = metadata.lease("test").__enter__()
        lease.hold(["x"])
        os._exit(0)
    os.waitpid(pid, 0)
    assert reachable(metadata) == {"x"}
    with metadata.transaction() as change:
        change.drop_dead_leases()
    assert reachable(metadata) == set()


def test_an_owner_is_more_than_a_number() -> None:
    assert owner.alive(owner.me())
    boot, pid, started = owner.me().split("-")
    assert not owner.alive(f"{boot}-{pid}-{int(started) + 1}")
    assert not owner.alive(f"{'0' * 16}-{pid}-{started}")
    assert not owner.alive("nonsense") and not owner.alive("")


def test_an_error_undoes_the_transaction(metadata: Metadata) -> None:
    with pytest.raises(ZeroDivisionError), metadata.transaction() as change:
        change.set_image("a", "t", "type", "m")
        _ = 1 // 0
    assert metadata.image("a") is None and reachable(metadata) == set()


def test_finds_by_the_beginning_of_an_id(metadata: Metadata) -> None:
    add(metadata, "a", "sha256:aa11", "sha256:bb11")
    add(metadata, "b", "sha256:aa22", "sha256:bb22")
    assert [row.name for row in metadata.images_by_id("sha256:aa1")] == ["a"]
    assert [row.name for row in metadata.images_by_id("sha256:bb")] == ["a", "b"]
    assert metadata.images_by_id("sha256:c") == []
    row = metadata.image("a")
    assert row is not None and row.labels == {"a": "b"}


def test_threads_share_it(metadata: Metadata) -> None:
    def work(at: int) -> None:
        for turn in range(20):
            add(metadata, f"image-{at}-{turn}", f"m{at}")

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(metadata.images()) == 80


def test_a_database_of_another_version_is_refused(metadata: Metadata) -> None:
    with metadata.transaction() as change:
        change.execute("PRAGMA user_version = 99")
    metadata.close()
    with pytest.raises(StoreError, match="newer Rung"):
        metadata.images()
