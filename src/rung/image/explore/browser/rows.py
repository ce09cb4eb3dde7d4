"""The lines of the file pane: a tree, laid out, filtered and partly closed.

Pure. The filter is a regular expression on paths, as dive's; what is none is looked for as it stands.
"""

from __future__ import annotations

import re

from rung.image.explore.tree import Node, compared
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.image.explore.analysis import Analysis
    from rung.image.explore.browser.state import State

_TREES_KEPT = 4


class Row:
    """One line: ``prefix`` are the tree's branches before the name."""

    __slots__ = ("closed", "directory", "node", "path", "prefix")

    def __init__(self, path: bytes, node: Node, prefix: str, *, directory: bool, closed: bool) -> None:
        self.path, self.node, self.prefix = path, node, prefix
        self.directory, self.closed = directory, closed


class _Shape(Record):
    """What of a state decides the rows."""

    layer: int
    aggregated: bool
    collapsed: frozenset[bytes]
    hidden: frozenset[int]
    filter: str


class View:
    """An image as states show it. Trees and rows are kept as long as the state asks for the same."""

    def __init__(self, name: str, analysis: Analysis) -> None:
        self.name = name
        self.analysis = analysis
        self.layers = len(analysis.layers)
        self._trees: dict[tuple[int, bool], tuple[Node, dict[int, int]]] = {}
        self._shape: _Shape | None = None
        self._rows: Sequence[Row] = ()

    def tree(self, state: State) -> tuple[Node, dict[int, int]]:
        """The tree up to the state's layer, changes marked; and the size below each node by ``id``."""
        key = (state.layer, state.aggregated)
        if key not in self._trees:
            if len(self._trees) >= _TREES_KEPT:
                del self._trees[next(iter(self._trees))]
            listings = self.analysis.listings
            root = compared(listings, state.layer, aggregated=state.aggregated) if listings else Node(b"")
            self._trees[key] = (root, _sizes(root))
        return self._trees[key]

    def rows(self, state: State) -> Sequence[Row]:
        """The lines of the file pane."""
        shape = _Shape(state.layer, state.aggregated, state.collapsed, state.hidden, state.filter)
        if shape != self._shape:
            self._rows = laid_out(self.tree(state)[0], state.collapsed, state.hidden, state.filter)
            self._shape = shape
        return self._rows

    def directories(self, state: State) -> frozenset[bytes]:
        """Every directory of the tree."""
        found: list[bytes] = []
        waiting = [(self.tree(state)[0], b"")]
        while waiting:
            node, path = waiting.pop()
            for name, child in node.children.items():
                if child.children:
                    full = path + b"/" + name if path else name
                    found.append(full)
                    waiting.append((child, full))
        return frozenset(found)


def laid_out(root: Node, collapsed: frozenset[bytes], hidden: frozenset[int], pattern: str) -> list[Row]:
    """The rows from top to bottom; directories and files together, by name."""
    matches = _matcher(pattern)
    kept = _kept(root, hidden, matches)
    found: list[Row] = []
    waiting: list[tuple[Node, bytes, str, bool]] = []

    def push(node: Node, path: bytes, prefix: str) -> None:
        children = sorted((child for child in node.children.values() if id(child) in kept), key=lambda one: one.name)
        for at, child in enumerate(reversed(children)):
            waiting.append((child, path + b"/" + child.name if path else child.name, prefix, at == 0))

    push(root, b"", "")
    while waiting:
        node, path, prefix, last = waiting.pop()
        closed = path in collapsed and bool(node.children)
        found.append(Row(path, node, prefix + ("└── " if last else "├── "), directory=node.is_directory, closed=closed))
        if not closed:
            push(node, path, prefix + ("    " if last else "│   "))
    return found


def _matcher(pattern: str) -> Callable[[bytes], bool] | None:
    if not pattern:
        return None
    try:
        compiled = re.compile(pattern.encode())
    except re.error:
        compiled = re.compile(re.escape(pattern.encode()))
    return lambda path: compiled.search(path) is not None


def _kept(root: Node, hidden: frozenset[int], matches: Callable[[bytes], bool] | None) -> set[int]:
    """``id`` of the nodes that are shown: what passes, and what leads there."""
    kept: set[int] = set()
    order: list[tuple[Node, bytes, Node | None]] = [(root, b"", None)]
    at = 0
    while at < len(order):
        node, path, _ = order[at]
        at += 1
        order.extend((child, path + b"/" + name if path else name, node) for name, child in node.children.items())
    for node, path, parent in reversed(order):
        passes = node.change not in hidden and (matches is None or matches(path))
        if (passes or id(node) in kept) and parent is not None:
            kept.add(id(node))
            kept.add(id(parent))
    return kept


def _sizes(root: Node) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for node in reversed(list(root.walk())):
        sizes[id(node)] = node.own_bytes + sum(sizes[id(child)] for child in node.children.values())
    return sizes
