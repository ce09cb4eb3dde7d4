"""What an image's layers do and waste, as numbers.

Pure. Two figures for what is wasted. ``wasted_bytes`` is what could be saved: bytes of files
that a later layer overwrites or removes. ``inefficient_bytes`` and ``efficiency`` are dive's,
so that its rules mean here what they mean there: a path that several layers hold counts with
all its copies against the smallest of them; what is removed counts with what it was. (An opaque
directory counts as a removal of its content; dive does not look at those.)
"""

from __future__ import annotations

from rung.image.explore.tree import ADDED, MODIFIED, REMOVED, Node, stack
from rung.image.layer.listing import PLAIN, WHITEOUT, File, Layer
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class LayerReport(Record):
    """What one layer did to those below it. ``changed`` and ``removed`` count names (a removed
    directory is one); ``hidden_bytes`` is what of lower layers it made invisible."""

    layer: Layer
    size_bytes: int
    added: int
    changed: int
    removed: int
    hidden_bytes: int


class Waste(Record):
    """A path that later layers overwrote or removed, and what that wastes.
    ``layers``: the indexes of those that did so; ``count``: how often."""

    path: bytes
    size_bytes: int
    layers: tuple[int, ...]
    removed: bool

    @property
    def count(self) -> int:
        """How many times it was hidden."""
        return len(self.layers)


class Inefficiency(Record):
    """A path that several layers hold, as dive counts: ``size_bytes`` of all its copies."""

    path: bytes
    count: int
    size_bytes: int


class Analysis(Record):
    """An image's layers and what they waste; the largest waste first. ``listings`` are the
    layers' entries, ``size_bytes`` those of all layers' files."""

    layers: tuple[LayerReport, ...]
    listings: Sequence[Sequence[File]]
    size_bytes: int
    wasted: tuple[Waste, ...]
    inefficient: tuple[Inefficiency, ...]
    efficiency: float

    @property
    def wasted_bytes(self) -> int:
        """What no container sees."""
        return sum(one.size_bytes for one in self.wasted)

    @property
    def inefficient_bytes(self) -> int:
        """dive's wasted bytes."""
        return sum(one.size_bytes for one in self.inefficient)

    @property
    def user_bytes(self) -> int:
        """Of all layers but the base."""
        return sum(report.size_bytes for report in self.layers[1:])

    @property
    def user_wasted_percent(self) -> float:
        """dive's wasted bytes by the user's, as a ratio; 0 where there is only a base."""
        return self.inefficient_bytes / self.user_bytes if self.user_bytes else 0.0


def analyse(layers: Sequence[Layer], listings: Sequence[Sequence[File]]) -> Analysis:
    """Stack the layers and count."""
    root, score, waste = Node(b""), _Score(), _Wasting()
    reports = []
    for layer, files in zip(layers, listings):
        score.add(files, root)
        waste.begin(layer.index)
        stack(root, files, layer.index, watch=waste.watch)
        size = sum(file.size for file in {file.path: file for file in files if file.kind == PLAIN}.values())
        reports.append(waste.report(layer, size))
    efficiency, inefficient = score.result()
    return Analysis(
        layers=tuple(reports),
        listings=listings,
        size_bytes=sum(report.size_bytes for report in reports),
        wasted=waste.result(),
        inefficient=inefficient,
        efficiency=efficiency,
    )


class _Wasting:
    def __init__(self) -> None:
        self._found: dict[bytes, tuple[int, tuple[int, ...], bool]] = {}
        self._layer = 0
        self.counts, self.hidden_bytes = [0, 0, 0], 0

    def begin(self, layer: int) -> None:
        self._layer = layer
        self.counts, self.hidden_bytes = [0, 0, 0], 0

    def watch(self, change: int, path: bytes, node: Node, hidden_bytes: int) -> None:
        self.counts[(ADDED, MODIFIED, REMOVED).index(change)] += 1
        self.hidden_bytes += hidden_bytes
        if hidden_bytes:
            size, layers, _ = self._found.get(path, (0, (), False))
            self._found[path] = (size + hidden_bytes, (*layers, self._layer), change == REMOVED)

    def report(self, layer: Layer, size_bytes: int) -> LayerReport:
        added, changed, removed = self.counts
        return LayerReport(layer, size_bytes, added, changed, removed, self.hidden_bytes)

    def result(self) -> tuple[Waste, ...]:
        found = [Waste(path, *rest) for path, rest in self._found.items()]
        return tuple(sorted(found, key=lambda one: (-one.size_bytes, one.path)))


class _Score:
    """dive's measure (dive/filetree/efficiency.go): for each path that is a leaf of some layer's own
    tree, the smallest size that was seen and the sum of all; the score is one sum by the other."""

    def __init__(self) -> None:
        self._seen: dict[bytes, tuple[int, int, int]] = {}  # count, sum, smallest

    def add(self, files: Sequence[File], below: Node) -> None:
        parents: set[bytes] = set()
        sizes: dict[bytes, int] = {}
        for file in files:
            directory = file.path.rpartition(b"/")[0]
            while directory and directory not in parents:
                parents.add(directory)
                directory = directory.rpartition(b"/")[0]
            if file.kind == PLAIN:
                sizes[file.path] = file.size
            elif file.kind == WHITEOUT:
                sizes[file.path] = _removed_bytes(below.find(file.path))
            else:
                directory_below = below.find(file.path)
                for node in directory_below.children.values() if directory_below else ():
                    sizes.setdefault(file.path + b"/" + node.name, _removed_bytes(node))
        for path, size in sizes.items():
            if path not in parents:
                count, total, smallest = self._seen.get(path, (0, 0, size))
                self._seen[path] = (count + 1, total + size, min(smallest, size))

    def result(self) -> tuple[float, tuple[Inefficiency, ...]]:
        total = sum(seen[1] for seen in self._seen.values())
        smallest = sum(seen[2] for seen in self._seen.values())
        several = [Inefficiency(path, seen[0], seen[1]) for path, seen in self._seen.items() if seen[0] > 1]
        several.sort(key=lambda one: (-one.size_bytes, one.path))
        return (smallest / total if total else 1.0), tuple(several)


def _removed_bytes(node: Node | None) -> int:
    """What a whiteout counts: a directory's content; nothing of a file, whose own entry counts it."""
    return node.total_bytes() if node is not None and node.is_directory else 0
