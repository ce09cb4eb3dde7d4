"""``rung images --tree``: images and their platforms, in docker's columns (cli/command/image/tree.go). Pure."""

from __future__ import annotations

from rung.cli.output import human_size, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.image import ImageTree

_HEADINGS = ("IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA")
_UNTAGGED = "<untagged>"


def tree_lines(trees: Iterable[ImageTree]) -> list[str]:
    """A line a name, the first with its figures; below them one for each platform."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for tree in trees:
        first, *others = tree.names or (_UNTAGGED,)
        rows.append((first, *_figures(tree.digest, tree.disk_bytes, tree.content_bytes), "U" if tree.in_use else ""))
        rows += [(name, "", "", "", "") for name in others]
        for at, one in enumerate(tree.branches):
            mark = "└─" if at + 1 == len(tree.branches) else "├─"
            name = f"{mark} {one.platform or '<unknown>'}"
            rows.append((name, *_figures(one.digest, one.disk_bytes, one.content_bytes), ""))
    return [line.rstrip() for line in table(rows)]


def _figures(digest: str, disk_bytes: int, content_bytes: int) -> tuple[str, str, str]:
    return digest.partition(":")[2][:12], human_size(disk_bytes), human_size(content_bytes)
