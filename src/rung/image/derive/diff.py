"""What one image's files have that another's have not: added, changed, removed.

Rule: layers are listed from their archives, never unpacked; those that both images begin with
are not read at all. Files of the same name, size and kind are compared by their bytes only where they
come from different layers.
"""

from __future__ import annotations

import hashlib

from rung.image.layer.listing import OPAQUE, PLAIN, File, files, layers_of, list_layers
from rung.image.layer.names import show
from rung.image.layer.tar import DIRECTORY, FILE, HARD_LINK, SYMLINK
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.content import Content
    from rung.image.images.image import Image
    from rung.image.layer.listing import Layer

ADDED, CHANGED, DELETED = "A", "C", "D"

#: A path's entry and the layer that it is from.
Held = tuple[File, "Layer"]


class Difference(Record):
    """``kind`` in docker's letters (``A``, ``C``, ``D``); ``what`` has changed: mode, owner, size,
    content, type, link, time. Sizes in bytes, of the first and the second image's file."""

    kind: str
    path: bytes
    what: tuple[str, ...]
    size_before: int
    size_after: int

    def __str__(self) -> str:
        told = f" ({', '.join(self.what)})" if self.what else ""
        return f"{self.kind} /{show(self.path)}{told}"

    def to_json(self) -> dict[str, Any]:
        """The difference as a JSON value."""
        return {
            "kind": self.kind,
            "path": "/" + self.path.decode("utf-8", "backslashreplace"),
            "what": list(self.what),
            "size_before": self.size_before,
            "size_after": self.size_after,
        }


def diff_images(content: Content, first: Image, second: Image) -> list[Difference]:
    """The differences, by path."""
    one, two = (layers_of(image.manifest, image.config) for image in (first, second))
    if [layer.diff_id for layer in one] == [layer.diff_id for layer in two]:
        return []
    before, after = _merged(content, one), _merged(content, two)
    implied = _parents(before), _parents(after)
    found: list[Difference] = []
    doubtful: list[bytes] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if (old is None and path in implied[0]) or (new is None and path in implied[1]):
            continue  # a directory for which one archive has no entry, only files in it
        if old is None or new is None:
            size_before, size_after = (_size(old) if old else 0), (_size(new) if new else 0)
            found.append(Difference(DELETED if new is None else ADDED, path, (), size_before, size_after))
        elif old[1].diff_id != new[1].diff_id:
            what = _what(old[0], new[0])
            if what:
                found.append(Difference(CHANGED, path, what, _size(old), _size(new)))
            elif new[0].type == FILE and new[0].size:
                doubtful.append(path)
    found += _by_content(content, before, after, doubtful)
    return sorted(found, key=lambda one: one.path)


def _merged(content: Content, layers: list[Layer]) -> dict[bytes, Held]:
    """What is seen of all layers together: topmost first, what is hidden from below remembered."""
    seen: dict[bytes, Held] = {}
    gone: set[bytes] = set()  # the path and all below it
    opaque: set[bytes] = set()  # all below it
    for layer, listed in zip(reversed(layers), reversed(list_layers(content, layers))):
        own = {file.path: file for file in listed if file.kind == PLAIN and file.path}
        for path, file in own.items():
            if path not in seen and not _is_hidden(path, gone, opaque):
                seen[path] = (file, layer)
        gone.update(file.path for file in listed if file.kind not in (PLAIN, OPAQUE))
        gone.update(path for path, file in own.items() if file.type != DIRECTORY)
        opaque.update(file.path for file in listed if file.kind == OPAQUE)
    return seen


def _parents(merged: dict[bytes, Held]) -> set[bytes]:
    """All directories that have something in them."""
    found: set[bytes] = set()
    for path in merged:
        while b"/" in path:
            path = path.rpartition(b"/")[0]
            if path in found:
                break
            found.add(path)
    return found


def _is_hidden(path: bytes, gone: set[bytes], opaque: set[bytes]) -> bool:
    if path in gone:
        return True
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        if path in gone or path in opaque:
            return True
    return b"" in opaque


def _what(old: File, new: File) -> tuple[str, ...]:
    if old.type != new.type and {old.type, new.type} != {FILE, HARD_LINK}:
        return ("type",)
    if HARD_LINK in (old.type, new.type):
        return ("link",) if old.type == new.type and old.link != new.link else ()  # all else is the file's
    pairs = (
        ("mode", old.mode, new.mode if new.type != SYMLINK else old.mode),  # Linux gives links none
        ("owner", (old.uid, old.gid), (new.uid, new.gid)),
        ("size", old.size if old.type == new.type == FILE else 0, new.size if old.type == new.type == FILE else 0),
        ("link", old.link, new.link),
    )
    return tuple(name for name, before, after in pairs if before != after)


def _size(held: Held) -> int:
    return held[0].size if held[0].type == FILE else 0


def _by_content(
    content: Content, before: dict[bytes, Held], after: dict[bytes, Held], paths: list[bytes]
) -> list[Difference]:
    """Those of the files that look the same whose bytes are not."""
    hashes = [_hashes(content, {path: merged[path] for path in paths}) for merged in (before, after)]
    return [
        Difference(CHANGED, path, ("content",), before[path][0].size, after[path][0].size)
        for path in paths
        if hashes[0].get(path) != hashes[1].get(path)
    ]


def _hashes(content: Content, wanted: dict[bytes, Held]) -> dict[bytes, bytes]:
    """The SHA-256 of files, layer by layer; of a name that comes twice, the last one's."""
    by_layer: dict[int, tuple[Layer, set[bytes]]] = {}
    for path, (_, layer) in wanted.items():
        by_layer.setdefault(layer.index, (layer, set()))[1].add(path)
    found: dict[bytes, bytes] = {}
    for layer, paths in by_layer.values():
        with content.blobs.open(layer.digest) as blob:
            for file, read in files(blob.read):
                if file.kind == PLAIN and file.type == FILE and file.path in paths:
                    hasher = hashlib.sha256()
                    while chunk := read(1 << 18):
                        hasher.update(chunk)
                    found[file.path] = hasher.digest()
    return found
