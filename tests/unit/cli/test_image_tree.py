"""``rung images --tree``: docker's columns, a line a name, a line a platform."""

from __future__ import annotations

from rung.cli.image.tree import tree_lines
from rung.image import ImageTree
from rung.image.images.forest import Branch

HERE = Branch("linux/amd64", "sha256:" + "b" * 64, 3_000_000, 9_000_000)
NOT_HERE = Branch("linux/arm64", "sha256:" + "c" * 64, 0, 0)


def test_an_index_with_two_names() -> None:
    tree = ImageTree(("app:1", "app:2"), "sha256:" + "a" * 64, (HERE, NOT_HERE), True, index_bytes=500)
    assert tree_lines([tree]) == [
        "IMAGE            ID             DISK USAGE   CONTENT SIZE   EXTRA",
        "app:1            aaaaaaaaaaaa   12MB         3MB            U",
        "app:2",
        "├─ linux/amd64   bbbbbbbbbbbb   12MB         3MB",
        "└─ linux/arm64   cccccccccccc   0B           0B",
    ]


def test_nothing_and_nameless() -> None:
    assert tree_lines([]) == ["IMAGE     ID        DISK USAGE   CONTENT SIZE   EXTRA"]
    lines = tree_lines([ImageTree((), "sha256:" + "a" * 64, (HERE,), False)])
    assert lines[1].startswith("<untagged>") and lines[2].startswith("└─ linux/amd64")
