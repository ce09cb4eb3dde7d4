"""Layers stacked into one tree of files, with what became of each of them.

Rule: pure. ``stack`` lays one layer's entries over the tree below it and says what that did;
whoever wants to see what a layer changed marks it (``MARK``): what is removed then stays in
the tree, marked so, instead of going away.
"""

from __future__ import annotations

from rung.image.layer.listing import OPAQUE, PLAIN, WHITEOUT, File
from rung.image.layer.tar import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    #: Told of each change: ``(change, path, node as it was or is, bytes that are hidden by it)``.
    Watch = Callable[[int, bytes, "Node", int], None]

UNMODIFIED, MODIFIED, ADDED, REMOVED = range(4)


class Node:
    """A name in the tree. ``file`` is None of a directory that no archive mentions; ``layer`` is
    the index of the layer that the entry comes from."""

    __slots__ = ("change", "children", "file", "layer", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.children: dict[bytes, Node] = {}
        self.file: File | None = None
        self.layer = 0
        self.change = UNMODIFIED

    @property
    def is_directory(self) -> bool:
        """Whether it can hold others."""
        return self.file is None or self.file.type == DIRECTORY

    @property
    def own_bytes(self) -> int:
        """Of the entry itself."""
        return self.file.size if self.file else 0

    def total_bytes(self) -> int:
        """Of the entry and all below it that is not removed."""
        return sum(node.own_bytes for node in self.walk() if node.change != REMOVED)

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.children.values())

    def find(self, path: bytes) -> Node | None:
        """The node at a clean path below this one."""
        node: Node | None = self
        for name in path.split(b"/") if path else ():
            node = node.children.get(name) if node else None
        return node


def stack(
    root: Node, files: Sequence[File], layer: int, *, mark: bool = False, watch: Watch | None = None
) -> None:
    """Lay a layer over the tree: first what it hides of lower layers, then what it brings."""
    _Stacking(root, layer, mark, watch or _unwatched).run(files)


def stacked(layers: Iterable[Sequence[File]]) -> Node:
    """The tree of these layers, base first."""
    root = Node(b"")
    for index, files in enumerate(layers):
        stack(root, files, index)
    return root


def compared(layers: Sequence[Sequence[File]], index: int, *, aggregated: bool = False) -> Node:
    """The tree up to a layer, marked with what that layer changed; ``aggregated``: with what all
    layers above the base changed, up to that one."""
    first = min(1, index) if aggregated else index
    root = stacked(layers[:first])
    for at in range(first, index + 1):
        stack(root, layers[at], at, mark=True)
    return root


def _unwatched(change: int, path: bytes, node: Node, hidden_bytes: int) -> None:
    pass


class _Stacking:
    def __init__(self, root: Node, layer: int, mark: bool, watch: Watch) -> None:
        self.root, self.layer, self.mark, self.watch = root, layer, mark, watch

    def run(self, files: Sequence[File]) -> None:
        # "Whiteout files MUST only apply to resources in lower/parent layers": so they go first.
        for file in files:
            if file.kind == WHITEOUT:
                self._hide(file.path)
            elif file.kind == OPAQUE:
                self._empty(file.path)
        for file in files:
            if file.kind == PLAIN:
                self._put(file)

    def _hide(self, path: bytes) -> None:
        directory, _, name = path.rpartition(b"/")
        trail = self._trail(directory)
        node = trail[-1].children.get(name) if trail else None
        if node is not None and node.change != REMOVED:
            self._remove(trail, node, path)

    def _empty(self, path: bytes) -> None:
        trail = self._trail(path)
        for node in list(trail[-1].children.values()) if trail else ():
            if node.change != REMOVED:
                self._remove(trail, node, path + b"/" + node.name if path else node.name)

    def _trail(self, path: bytes) -> list[Node]:
        """The nodes from the root to the one at ``path``; empty where there is none."""
        trail = [self.root]
        for name in path.split(b"/") if path else ():
            node = trail[-1].children.get(name)
            if node is None:
                return []
            trail.append(node)
        return trail

    def _remove(self, trail: list[Node], node: Node, path: bytes) -> None:
        self.watch(REMOVED, path, node, node.total_bytes())
        if self.mark and node.change != ADDED:
            for each in node.walk():
                each.change = REMOVED
        else:
            del trail[-1].children[node.name]
        self._touch(trail)

    def _touch(self, trail: list[Node]) -> None:
        if self.mark:
            for node in trail:
                if node.change == UNMODIFIED:
                    node.change = MODIFIED

    def _put(self, file: File) -> None:
        node, trail = self.root, []
        fresh = False
        for name in file.path.split(b"/") if file.path else ():
            trail.append(node)
            child = node.children.get(name)
            fresh = child is None
            if child is None:
                child = node.children[name] = Node(name)
                child.layer = self.layer
                child.change = ADDED if self.mark else UNMODIFIED
            elif child.change == REMOVED:
                child.change = MODIFIED
            node = child
        if self._fill(node, file, fresh=fresh):
            self._touch(trail)

    def _fill(self, node: Node, file: File, *, fresh: bool) -> bool:
        """Whether this changed what was there."""
        if fresh:
            node.file, node.layer = file, self.layer
            self.watch(ADDED, file.path, node, 0)
            return True
        old, again = node.file, node.layer == self.layer
        if old is not None and old.type == file.type == DIRECTORY and old[3:6] == file[3:6]:
            node.file = file  # the same directory, named on the way to what is in it
            return False
        hidden = 0
        if file.type != DIRECTORY:
            hidden = sum(child.total_bytes() for child in node.children.values())
            node.children = {}
        if not again:
            hidden += node.own_bytes
            self.watch(MODIFIED, file.path, node, hidden)
        if self.mark and node.change == UNMODIFIED:
            node.change = MODIFIED
        node.file, node.layer = file, self.layer
        return not again
