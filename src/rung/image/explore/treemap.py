"""Sizes as rectangles: a squarified treemap.

Pure. M. Bruls, K. Huizing, J. van Wijk, "Squarified Treemaps" (2000): rectangles are laid in rows
along the shorter side, a row grows as long as that makes its worst aspect ratio better.
"""

from __future__ import annotations

from rung.image.explore.tree import REMOVED, Node
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Box = tuple[float, float, float, float]  # x, y, width, height

#: What is smaller is drawn together with its neighbours in the directory.
_SMALLEST = 16.0  # square pixels
_HEAD, _PAD = 13.0, 1.0  # a directory's title and margin
#: A directory of at least that width and height has room for its title.
TITLE_ROOM = (60.0, 40.0)


class Cell(Record):
    """A rectangle. ``layer``: of a file, where it comes from; of a directory, -1;
    ``count``: how many files it stands for."""

    path: bytes
    size_bytes: int
    layer: int
    count: int
    box: Box
    depth: int


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """A rectangle for each size (largest first, none zero) that together fill ``box``."""
    total = sum(sizes)
    x, y, width, height = box
    if not sizes or total <= 0 or width <= 0 or height <= 0:
        return [(x, y, 0.0, 0.0)] * len(sizes)
    areas = [size * width * height / total for size in sizes]
    found: list[Box] = []
    at = 0
    while at < len(areas):
        side = min(width, height)
        end, row = at + 1, areas[at]
        worst = _worst(areas[at], areas[at], row, side)
        while end < len(areas):
            longer = _worst(areas[at], areas[end], row + areas[end], side)
            if longer > worst:
                break
            worst, row, end = longer, row + areas[end], end + 1
        thick = row / side if side else 0.0
        along = 0.0
        for area in areas[at:end]:
            length = area / thick if thick else 0.0
            if width >= height:
                found.append((x, y + along, thick, length))
            else:
                found.append((x + along, y, length, thick))
            along += length
        if width >= height:
            x, width = x + thick, max(0.0, width - thick)
        else:
            y, height = y + thick, max(0.0, height - thick)
        at = end
    return found


def _worst(largest: float, smallest: float, row: float, side: float) -> float:
    """The worst aspect ratio in a row of that total area along ``side``."""
    if not smallest or not side:
        return float("inf")
    return max(side * side * largest / (row * row), row * row / (side * side * smallest))


def cells(root: Node, width: float, height: float) -> Iterator[Cell]:
    """The tree's files and directories as rectangles, directories before what is in them."""
    sizes: dict[int, tuple[int, int]] = {}
    _measure(root, sizes)
    waiting = [(root, b"", (0.0, 0.0, width, height), 0)]
    while waiting:
        node, path, box, depth = waiting.pop()
        inner = _inside(box, depth)
        drawn, small = _worth_drawing(node, sizes, inner[2] * inner[3])
        boxes = squarify([sizes[id(child)][0] for child in drawn] + [small[0]] * bool(small[1]), inner)
        for child, where in zip(drawn, boxes):
            size, count = sizes[id(child)]
            full = path + b"/" + child.name if path else child.name
            if child.children:
                yield Cell(full, size, -1, count, where, depth + 1)
                waiting.append((child, full, where, depth + 1))
            else:
                yield Cell(full, size, child.layer, 1, where, depth + 1)
        if small[1]:
            yield Cell(path, small[0], -2, small[1], boxes[-1], depth + 1)


def _worth_drawing(
    node: Node, sizes: dict[int, tuple[int, int]], area: float
) -> tuple[list[Node], tuple[int, int]]:
    """The children that get a rectangle of their own, largest first; and ``(bytes, files)`` of the rest."""
    children = [child for child in node.children.values() if sizes[id(child)][0]]
    children.sort(key=lambda child: (-sizes[id(child)][0], child.name))
    total = sum(sizes[id(child)][0] for child in children)
    drawn = [child for child in children if sizes[id(child)][0] * area >= _SMALLEST * total]
    rest = [sizes[id(child)] for child in children[len(drawn) :]]
    return drawn, (sum(size for size, _ in rest), sum(count for _, count in rest))


def _measure(root: Node, sizes: dict[int, tuple[int, int]]) -> None:
    """``id(node) -> (bytes, files)`` for the whole tree, without recursion: a name may be 2,000 deep."""
    for node in reversed(list(root.walk())):
        below = [sizes[id(child)] for child in node.children.values()]
        if node.change == REMOVED:
            sizes[id(node)] = (0, 0)
            continue
        own = node.own_bytes if not node.children else 0
        sizes[id(node)] = (own + sum(s for s, _ in below), sum(c for _, c in below) + (not node.children))


def _inside(box: Box, depth: int) -> Box:
    x, y, width, height = box
    if not depth:
        return box
    head = _HEAD if width >= TITLE_ROOM[0] and height >= TITLE_ROOM[1] else _PAD
    return x + _PAD, y + head, max(0.0, width - 2 * _PAD), max(0.0, height - head - _PAD)
