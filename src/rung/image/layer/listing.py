"""What an image's layers hold, read from their archives without unpacking them.

Who explores, scans or compares images wants names, sizes and the content of a few files:
the headers of the archive say it all, at some microseconds an entry. Rule: layers are read base
first, each entry once, in the archive's order; whiteouts are told apart here
(OCI image specification, layer.md#whiteouts) and applied by whoever stacks the layers.
"""

from __future__ import annotations

from typing import NamedTuple

from rung.image.errors import ArchiveError, LayerError
from rung.image.layer.decompress import plain
from rung.image.layer.names import IGNORED, OPAQUE, PLAIN, WHITEOUT, classify, clean
from rung.image.layer.tar import TarReader
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rung.image.content import Content
    from rung.spec.image import Digest, ImageConfig, Manifest

    Read = Callable[[int], bytes]

__all__ = ["OPAQUE", "PLAIN", "WHITEOUT", "File", "Layer", "files", "layers_of", "list_files", "list_layers"]

_WINDOW = 1 << 20
_EROFS = b"\xe2\xe1\xf5\xe0"  # at 1024, fs/erofs/erofs_fs.h
#: Layers read at the same time; decompression leaves the interpreter to the others.
_AT_ONCE = 2
#: So many entries are kept in memory at most, some 300 bytes each.
ENTRY_LIMIT = 4_000_000


class File(NamedTuple):
    """One entry. ``path`` is clean and relative; of a whiteout, what it hides; of an opaque
    directory, the directory. ``type`` is one of the letters of ``layer.tar``."""

    path: bytes
    kind: int
    type: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes


class Layer(Record):
    """One layer of an image as its manifest and configuration describe it, base first."""

    index: int
    digest: Digest
    diff_id: Digest
    compressed_bytes: int
    command: str
    created: str


def layers_of(manifest: Manifest, config: ImageConfig) -> list[Layer]:
    """The layers with the commands that made them (``history`` without its empty entries)."""
    made = [entry for entry in config.history if not entry.empty_layer]
    known = len(made) == len(manifest.layers)
    return [
        Layer(
            index=index,
            digest=layer.digest,
            diff_id=diff_id,
            compressed_bytes=layer.size,
            command=(made[index].created_by or made[index].comment) if known else "",
            created=made[index].created if known else "",
        )
        for index, (layer, diff_id) in enumerate(zip(manifest.layers, config.diff_ids))
    ]


def files(read: Read) -> Iterator[tuple[File, Read]]:
    """Every entry of a layer's archive (compressed or not), and a function that reads its content
    until the next one is asked for."""
    reader = TarReader(_Window(plain(read)).read)
    for entry in reader:
        kind, path = classify(clean(entry.name))
        if kind != IGNORED:
            fields = (entry.mode, entry.uid, entry.gid, entry.size, entry.mtime_ns, entry.link)
            yield File(path, kind, entry.type, *fields), reader.data


def list_files(read: Read) -> list[File]:
    """All entries of a layer's archive. Raises ``LayerError`` beyond ``ENTRY_LIMIT``."""
    found: list[File] = []
    for file, _ in files(read):
        found.append(file)
        if len(found) > ENTRY_LIMIT:
            raise LayerError("layer", "", f"has more than {ENTRY_LIMIT} entries")
    return found


def list_layers(content: Content, layers: list[Layer]) -> list[list[File]]:
    """The entries of all layers, some layers at a time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE, "list") as pool:
        jobs = [pool.submit(_list_one, content, layer) for layer in layers]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            for job in jobs:
                job.cancel()
            raise


def _list_one(content: Content, layer: Layer) -> list[File]:
    with content.blobs.open(layer.digest) as file:
        try:
            return list_files(file.read)
        except (ArchiveError, LayerError) as error:
            raise LayerError(f"layer {layer.digest.short}: {error.operation}", *error.args[1:]) from error


class _Window:
    """Reads large and hands out small: a tar is asked for in blocks of 512 bytes."""

    def __init__(self, read: Read) -> None:
        self.source = read
        self.data, self.at = b"", 0
        self.first = True

    def read(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            if self.at == len(self.data):
                self.data, self.at, end = self.source(_WINDOW), 0, size
                self._refuse_images()
            part = self.data[self.at : end]
            self.at += len(part)
            return part
        part = self.data[self.at : end]
        self.at = end
        return part

    def _refuse_images(self) -> None:
        """An EROFS image begins as an archive ends, with 1024 zeros: it would seem to be an empty one."""
        if not self.first:
            return
        self.first = False
        while len(self.data) < 1028 and (more := self.source(_WINDOW)):  # it may come in pieces
            self.data += more
        if self.data[1024:1028] == _EROFS and not any(self.data[:1024]):
            hint = "look at the image that it was converted from, or mount it"
            raise LayerError("layer", "", "is an EROFS image, not an archive", hint)
