"""One pass over an image archive, from a pipe as well: what is in it goes into the store.

Blobs of an image layout go under the digests that their names say, everything else that may be a
layer or a configuration under the digest it turns out to have; what it all means is decided
afterwards, over what this gives. Nothing is written but blobs.
"""

from __future__ import annotations

from rung.image.errors import ArchiveError
from rung.image.layer import tar
from rung.image.layer.decompress import plain
from rung.image.layer.names import clean, show
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.image.content import Content
    from rung.image.store.metadata import Lease

_DOCUMENTS = (b"index.json", b"manifest.json", b"oci-layout", b"repositories")
_DOCUMENT_LIMIT = 8 << 20
_LEGACY_LIMIT = 1 << 20
_ENTRY_LIMIT = 100_000
_LINK_LIMIT = 8


class Held(Record):
    """What one pass found. ``files``: name -> digest and size of what is stored; ``legacy``: the
    ``ID/json`` of docker's first format."""

    documents: dict[bytes, bytes]
    files: dict[bytes, tuple[Digest, int]]
    links: dict[bytes, bytes]
    legacy: dict[bytes, bytes]

    def file(self, name: str, document: str = "manifest.json") -> tuple[Digest, int]:
        """The blob that a document calls so."""
        found = self.files.get(self.linked(name.encode("utf-8", "surrogateescape")))
        if found is None:
            shown = show(name.encode("utf-8", "replace"))
            raise ArchiveError("archive", shown, f"is named by {document} and not there")
        return found

    def linked(self, name: bytes) -> bytes:
        """Where a name leads to, links followed."""
        path = clean(name)
        for _ in range(_LINK_LIMIT):
            if path not in self.links:
                return path
            path = self.links[path]
        raise ArchiveError("archive", show(name), "is a link that leads to itself")


def take_in(content: Content, file: BinaryIO, lease: Lease) -> Held:
    """Read an archive, compressed or not, to its end."""
    held = Held({}, {}, {}, {})
    reader = tar.TarReader(plain(file.read))
    legacy_bytes = 0
    for count, entry in enumerate(reader):
        if count >= _ENTRY_LIMIT:
            hint = "is it an image? see import"
            raise ArchiveError("archive", "", f"has more than {_ENTRY_LIMIT} entries", hint)
        name = clean(entry.name)
        if entry.type == tar.FILE and name in _DOCUMENTS:
            held.documents[name] = _document(entry, reader, _DOCUMENT_LIMIT)
        elif entry.type == tar.FILE and _is_legacy(name) and entry.size <= _LEGACY_LIMIT:
            held.legacy[name] = _document(entry, reader, _LEGACY_LIMIT)
            legacy_bytes += entry.size
            if legacy_bytes > _DOCUMENT_LIMIT:
                raise ArchiveError("archive", show(name), f"brings more than {_DOCUMENT_LIMIT} bytes of documents")
        elif entry.type == tar.FILE:
            held.files[name] = _store(content, entry, name, reader, lease)
        elif entry.type in (tar.SYMLINK, tar.HARD_LINK):
            # docker save before 25 writes a layer once and links to it from where it comes again.
            base = name.rpartition(b"/")[0] + b"/" if entry.type == tar.SYMLINK else b""
            held.links[name] = clean(base + entry.link)
    return held


def _is_legacy(name: bytes) -> bool:
    folder, _, base = name.rpartition(b"/")
    return base in (b"json", b"VERSION") and bool(folder) and b"/" not in folder


def _document(entry: tar.Entry, reader: tar.TarReader, limit: int) -> bytes:
    if entry.size > limit:
        raise ArchiveError("archive", show(entry.name), f"is larger than a document may be ({limit})")
    parts = []
    while part := reader.data():
        parts.append(part)
    return b"".join(parts)


def _store(
    content: Content, entry: tar.Entry, name: bytes, reader: tar.TarReader, lease: Lease
) -> tuple[Digest, int]:
    digest = _named_digest(name)
    if digest is not None:
        lease.hold([str(digest)])
    with content.blobs.ingest(digest, entry.size) as ingest:
        if not ingest.done:
            if ingest.offset:
                ingest.restart()
            while chunk := reader.data():
                ingest.write(chunk)
            if digest is None:
                lease.hold([f"sha256:{ingest.hex}"])
            digest = ingest.commit()
    assert digest is not None
    return digest, entry.size


def _named_digest(name: bytes) -> Digest | None:
    """The digest that ``blobs/sha256/...`` says; None for other names."""
    parts = name.decode("utf-8", "replace").split("/")
    if len(parts) != 3 or parts[0] != "blobs":
        return None
    return Digest.parse(f"{parts[1]}:{parts[2]}", field=show(name), document="archive")
