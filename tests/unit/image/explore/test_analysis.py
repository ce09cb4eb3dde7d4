"""What layers add, change, remove and waste; the score as dive counts it."""

from __future__ import annotations

import io

import pytest

from imageparts import archive, directory, entry, symlink
from rung.image.explore.analysis import Analysis, analyse
from rung.image.explore.tree import ADDED, MODIFIED, REMOVED, UNMODIFIED, compared, stacked
from rung.image.layer.listing import File, Layer, list_files
from rung.spec.image import Digest

ANY = Digest.of(b"")


def listings(*tars: bytes) -> list[list[File]]:
    return [list_files(io.BytesIO(tar).read) for tar in tars]


def analysed(*tars: bytes) -> Analysis:
    layers = [Layer(index, ANY, ANY, len(tar), "", "") for index, tar in enumerate(tars)]
    return analyse(layers, listings(*tars))


BASE = archive(
    directory("etc"),
    entry("etc/passwd", b"x" * 100),
    directory("opt"),
    directory("opt/sdk"),
    entry("opt/sdk/a", b"a" * 1000),
    entry("opt/sdk/b", b"b" * 500),
    entry("keep", b"k" * 10),
)


def test_a_whiteout_of_a_directory_wastes_all_below_it() -> None:
    found = analysed(BASE, archive(entry("opt/.wh.sdk"), entry("etc/passwd", b"y" * 120)))
    assert [(one.path, one.size_bytes, one.layers, one.removed) for one in found.wasted] == [
        (b"opt/sdk", 1500, (1,), True),
        (b"etc/passwd", 100, (1,), False),
    ]
    assert found.wasted_bytes == 1600
    assert [(one.added, one.changed, one.removed, one.hidden_bytes) for one in found.layers] == [
        (7, 0, 0, 0),
        (0, 1, 1, 1600),
    ]
    # dive: opt/sdk is no leaf of the base, so its copies are the whiteout alone; passwd has two.
    assert [(one.path, one.count, one.size_bytes) for one in found.inefficient] == [(b"etc/passwd", 2, 220)]
    assert found.efficiency == pytest.approx((100 + 1000 + 500 + 10 + 1500) / (220 + 1000 + 500 + 10 + 1500))


def test_a_removed_file_counts_with_what_it_was() -> None:
    found = analysed(BASE, archive(entry("opt/sdk/.wh.a")))
    assert [(one.path, one.count, one.size_bytes) for one in found.inefficient] == [(b"opt/sdk/a", 2, 1000)]
    assert found.efficiency == pytest.approx(610 / 1610)
    assert found.wasted_bytes == 1000


def test_an_opaque_directory_hides_what_lay_below_only() -> None:
    found = analysed(BASE, archive(entry("opt/sdk/new", b"n" * 7), entry("opt/sdk/.wh..wh..opq")))
    assert [(one.path, one.size_bytes) for one in found.wasted] == [(b"opt/sdk/a", 1000), (b"opt/sdk/b", 500)]
    root = stacked(found.listings)
    sdk = root.find(b"opt/sdk")
    assert sdk is not None
    assert list(sdk.children) == [b"new"]


def test_a_file_in_place_of_a_directory_hides_its_content() -> None:
    found = analysed(BASE, archive(symlink("opt/sdk", "/elsewhere")))
    assert [(one.path, one.size_bytes) for one in found.wasted] == [(b"opt/sdk", 1500)]


def test_a_directory_named_again_is_not_changed() -> None:
    found = analysed(BASE, archive(directory("etc"), entry("etc/new", b"1")))
    assert (found.layers[1].added, found.layers[1].changed) == (1, 0)
    assert found.wasted == ()
    assert found.efficiency == 1.0


def test_dives_own_numbers() -> None:
    """The layers of the image that dive's tests are made with, and the numbers they expect."""
    size = 6405
    found = analysed(
        archive(entry("bin/busybox", b"b" * 1_154_361)),
        archive(entry("somefile.txt", bytes(size))),
        archive(directory("root"), directory("root/example"), directory("root/example/really/nested")),
        archive(directory("root/example"), entry("root/example/somefile1.txt", bytes(size))),
        archive(directory("root/example"), entry("root/example/somefile1.txt", bytes(size), mode=0o444)),
        archive(directory("root/example"), entry("root/example/somefile2.txt", bytes(size))),
        archive(directory("root/example"), entry("root/example/somefile3.txt", bytes(size))),
        archive(directory("root"), entry("root/example/.wh.somefile3.txt"), entry("root/saved.txt", bytes(size))),
        archive(directory("root"), entry("root/.saved.txt", bytes(size))),
        archive(directory("root"), entry("root/.wh.example")),
        archive(entry("root/.data/tag.sh", bytes(917)), entry("root/.data/test.sh", bytes(1270))),
        archive(directory("tmp"), entry("tmp/saved.again1.txt", bytes(size))),
        archive(directory("root/.data"), entry("root/.data/saved.again2.txt", bytes(size))),
        archive(directory("root"), entry("root/saved.txt", bytes(size), mode=0o755)),
    )
    assert found.efficiency == 0.9844212134184309
    assert (found.size_bytes, found.user_bytes) == (1_220_598, 66_237)
    assert (found.inefficient_bytes, found.user_wasted_percent) == (32_025, 0.4834911001404049)


def test_one_layer_wastes_nothing() -> None:
    found = analysed(BASE)
    assert (found.efficiency, found.wasted_bytes, found.user_wasted_percent) == (1.0, 0, 0.0)
    assert found.size_bytes == 1610


def test_an_image_without_layers() -> None:
    found = analysed()
    assert (found.efficiency, found.size_bytes, found.wasted) == (1.0, 0, ())


def changes(*tars: bytes, index: int, aggregated: bool = False) -> dict[bytes, int]:
    root = compared(listings(*tars), index, aggregated=aggregated)
    found: dict[bytes, int] = {}

    def visit(node: object, path: bytes) -> None:
        for name, child in node.children.items():  # type: ignore[attr-defined]
            found[path + name] = child.change
            visit(child, path + name + b"/")

    visit(root, b"")
    return found


def test_what_a_layer_changes_is_marked() -> None:
    upper = archive(directory("etc"), entry("etc/passwd", b"z"), entry("opt/.wh.sdk"), entry("new/deep", b""))
    assert changes(BASE, upper, index=1) == {
        b"etc": MODIFIED,
        b"etc/passwd": MODIFIED,
        b"opt": MODIFIED,
        b"opt/sdk": REMOVED,
        b"opt/sdk/a": REMOVED,
        b"opt/sdk/b": REMOVED,
        b"keep": UNMODIFIED,
        b"new": ADDED,
        b"new/deep": ADDED,
    }


def test_what_all_layers_change_is_marked_together() -> None:
    middle = archive(entry("tmp/made", b"1"), entry("etc/passwd", b"2"))
    top = archive(entry("tmp/.wh.made"), entry(".wh.keep"))
    alone = changes(BASE, middle, top, index=2)
    assert alone[b"etc/passwd"] == UNMODIFIED
    assert alone[b"tmp/made"] == REMOVED
    together = changes(BASE, middle, top, index=2, aggregated=True)
    assert together[b"etc/passwd"] == MODIFIED
    assert together[b"keep"] == REMOVED
    assert b"tmp/made" not in together
