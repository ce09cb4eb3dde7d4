"""All packages of an image, and which layer brought each.

Rule: every layer is read once, as a stream; only files that tell of packages are looked into, and
nothing is unpacked. Then the layers are stacked as a container would see them. A package counts
for the layer in which the file that tells of it first did so with this version. What a language's
package manager and the system's both claim is the system's.
"""

from __future__ import annotations

from rung.image.errors import LayerError
from rung.image.layer.listing import ENTRY_LIMIT, OPAQUE, PLAIN, WHITEOUT, files
from rung.image.layer.names import show
from rung.image.layer.tar import DIRECTORY, FILE
from rung.image.scan.reader import Unreadable, reader_for
from rung.image.scan.reader.golang import ELF
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rung.image.content import Content
    from rung.image.layer.listing import Layer
    from rung.image.scan.packages import Contents, OsRelease, Package
    from rung.image.scan.reader import Reader

_AT_ONCE = 2


class Inventory(Record):
    """``notes`` say, a sentence each, what could not be read."""

    os: OsRelease | None
    packages: tuple[Package, ...]
    notes: tuple[str, ...]


class LayerContents:
    """What one layer says: files that tell something, and the paths that it hides or replaces."""

    def __init__(self) -> None:
        self.found: dict[bytes, Contents] = {}
        self.plain: set[bytes] = set()
        self.whiteouts: list[bytes] = []
        self.opaques: list[bytes] = []
        self.notes: list[str] = []


def take_inventory(content: Content, layers: Sequence[Layer]) -> Inventory:
    """Read all layers, some at a time, and stack them."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE, "scan") as pool:
        jobs = [pool.submit(_read_blob, content, layer) for layer in layers]
        try:
            return stack([job.result() for job in jobs])
        except BaseException:
            for job in jobs:
                job.cancel()
            raise


def _read_blob(content: Content, layer: Layer) -> LayerContents:
    with content.blobs.open(layer.digest) as file:
        try:
            return read_layer(file.read)
        except LayerError as error:
            raise LayerError(f"layer {layer.digest.short}: {error.operation}", *error.args[1:]) from error


def read_layer(read: Callable[[int], bytes]) -> LayerContents:
    """Look through one layer's archive."""
    layer = LayerContents()
    for number, (file, data) in enumerate(files(read)):
        if number == ENTRY_LIMIT:
            raise LayerError("layer", "", f"has more than {ENTRY_LIMIT} entries")
        if file.kind == WHITEOUT:
            layer.whiteouts.append(file.path)
        elif file.kind == OPAQUE:
            layer.opaques.append(file.path)
        elif file.kind == PLAIN and file.type != DIRECTORY:
            layer.plain.add(file.path)
            layer.found.pop(file.path, None)
            reader = reader_for(file.path, file.mode) if file.type == FILE else None
            if reader is not None:
                _look(layer, file.path, file.size, reader, data)
    return layer


def _look(
    layer: LayerContents, path: bytes, size: int, reader: Reader, data: Callable[[int], bytes]
) -> None:
    first = data(len(ELF)) if reader.executable else b""
    if reader.executable and first != ELF:
        return
    if size > reader.limit_bytes:
        layer.notes.append(f"/{show(path)} is larger than {reader.limit_bytes >> 20} MiB and was not read")
        return
    content = bytearray(first)
    while part := data(1 << 20):
        content += part
    try:
        found = reader.read(path, content if reader.executable else bytes(content))
    except Unreadable as error:
        layer.notes.append(f"/{show(path)} {error}")
        return
    if found.packages or found.os or found.owned:
        layer.found[path] = found


def stack(layers: Sequence[LayerContents]) -> Inventory:
    """The packages that are left when all layers lie upon each other."""
    seen: dict[bytes, Contents] = {}
    for index, layer in enumerate(layers):
        hidden = {*layer.whiteouts, *layer.plain}
        for path in list(seen):
            gone = path in hidden or _below(path, hidden) or _below(path, layer.opaques)
            if gone and path not in layer.found:
                del seen[path]
        for path, contents in layer.found.items():
            seen[path] = _attributed(contents, seen.get(path), index)
    systems = {path: contents.os for path, contents in seen.items() if contents.os}
    packages = [package for contents in seen.values() for package in contents.packages]
    owned = _owned({package.path for package in packages if not package.system}, seen.values())
    kept = {_identity(package): package for package in packages if package.system or package.path not in owned}
    notes = [note for layer in layers for note in layer.notes]
    order = sorted(kept.values(), key=lambda one: (not one.system, one.kind, one.name, one.version, one.path))
    return Inventory(systems.get(b"etc/os-release") or next(iter(systems.values()), None), tuple(order), tuple(notes))


def _below(path: bytes, directories: set[bytes] | list[bytes]) -> bool:
    """Whether a path lies in one of the directories."""
    if not directories:
        return False
    if b"" in directories:
        return True
    parent = path.rpartition(b"/")[0]
    while parent:
        if parent in directories:
            return True
        parent = parent.rpartition(b"/")[0]
    return False


def _identity(package: Package) -> tuple[str, str, str, str, bytes]:
    return package.kind, package.name, package.version, package.architecture, package.path


def _attributed(contents: Contents, before: Contents | None, layer: int) -> Contents:
    known = {_identity(package): package.layer for package in before.packages} if before else {}
    packages = tuple(one.replace(layer=known.get(_identity(one), layer)) for one in contents.packages)
    replaced: Contents = contents.replace(packages=packages)
    return replaced


def _owned(paths: set[bytes], all_contents: Iterable[Contents]) -> set[bytes]:
    """Those of the paths that the system's package manager installed."""
    found: set[bytes] = set()
    if paths:
        for contents in all_contents:
            if contents.owned:
                found |= paths.intersection(contents.owned.split(b"\n"))
    return found
