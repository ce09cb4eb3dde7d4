"""An OCI image layout as an end of a copy (``oci:``).

OCI image-spec, image-layout.md. Rule: what is in the directory stays; ``index.json`` is
replaced in one step, under a lock, when everything that it names is there.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from rung import jsonc
from rung.image.errors import ArchiveError, ImageError, StoreError
from rung.image.progress import COPIED, COPYING
from rung.image.store.blobs import DOCUMENT_LIMIT, Blobs, replace_file
from rung.image.store.layout import OCI_LAYOUT, REF_NAME
from rung.image.transfer.streams import FileStream, ingest
from rung.spec.image import Descriptor, Index, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from rung.image.registry.upload import Open, Stream
    from rung.spec.image import Digest


def choose(data: bytes, ref: str, where: str) -> Descriptor:
    """What a reference names in an ``index.json``; without one, the only thing that is there."""
    index = parse_manifest(data, media.OCI_INDEX, f"{where}/index.json")
    assert isinstance(index, Index)
    named = [one for one in index.manifests if not ref or dict(one.annotations).get(REF_NAME) == ref]
    if not ref and len(named) > 1:
        # What refers to another manifest, and has no name, is there for that one's sake.
        named = [one for one in named if REF_NAME in dict(one.annotations)]
    if len(named) == 1 or (named and ref):
        return named[-1]
    known = sorted(dict(one.annotations).get(REF_NAME, str(one.digest)) for one in index.manifests)
    reason = f"has no {ref!r:.200}" if ref else "holds several images" if known else "holds no image"
    hint = f"there are {', '.join(known)[:300]}" if known else ""
    raise ImageError("image layout", where, reason, hint)


class LayoutSource:
    """An image in a layout."""

    def __init__(self, directory: str, ref: str) -> None:
        self.directory = directory
        self.ref = ref
        self.blobs = Blobs(directory)

    def root(self) -> tuple[Descriptor, bytes]:
        """By the annotation ``org.opencontainers.image.ref.name``."""
        at = choose(self._index(), self.ref, self.directory)
        return at, self.blobs.read(at.digest)

    def _index(self) -> bytes:
        path = os.path.join(self.directory, "index.json")
        try:
            with open(path, "rb") as file:
                data = file.read(DOCUMENT_LIMIT + 1)
        except OSError as error:
            raise ArchiveError("image layout", path, error.strerror or "") from error
        if len(data) > DOCUMENT_LIMIT:
            raise ArchiveError("image layout", path, f"is larger than a document may be ({DOCUMENT_LIMIT} bytes)")
        return data

    def manifest(self, at: Descriptor) -> bytes | None:
        """From its blob."""
        return self.blobs.read(at.digest) if self.blobs.has(at.digest) else None

    def open(self, blob: Descriptor, offset: int) -> Stream:
        """Its file."""
        file = self.blobs.open(blob.digest)
        file.seek(offset)
        return FileStream(file)

    def origins(self, blob: Descriptor) -> Sequence[str]:
        """None that we know of."""
        return ()

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """Those of ``index.json`` whose subject it is."""
        index = parse_manifest(self._index(), media.OCI_INDEX, "index.json")
        assert isinstance(index, Index)
        found = []
        for one in index.manifests:
            parsed = parse_manifest(self.blobs.read(one.digest), one.media_type, f"manifest {one.digest}")
            if parsed.subject and parsed.subject.digest == subject:
                found.append(one)
        return found

    def close(self) -> None:
        """Nothing is open."""


class LayoutDestination:
    """A layout; made where there is none."""

    at_once = 2
    moving = COPYING

    def __init__(self, directory: str, ref: str) -> None:
        self.directory = directory
        self.ref = ref
        self.blobs = Blobs(directory)
        self._is_new = not os.path.exists(directory)
        self._put: list[Digest] = []
        try:
            os.makedirs(os.path.join(directory, "blobs", "sha256"), mode=0o755, exist_ok=True)
            self.blobs.make_directories()
            marker = os.path.join(directory, "oci-layout")
            if not os.path.exists(marker):
                replace_file(marker, OCI_LAYOUT)
        except OSError as error:
            raise StoreError("image layout", directory, error.strerror or "") from error

    def has(self, blob: Descriptor) -> bool:
        """Whether its file is there."""
        return self.blobs.has(blob.digest)

    def put(self, blob: Descriptor, open: Open, origins: Sequence[str], sent: Callable[[int], None]) -> str:
        """Into its file."""
        ingest(self.blobs, blob, open, sent)
        self._put.append(blob.digest)
        return COPIED

    def put_manifest(self, at: Descriptor, data: bytes) -> None:
        """Into its blob; one with a subject stands in the index too, where it is found."""
        self._put.append(self.blobs.write(data, at.digest.algorithm))
        if parse_manifest(data, at.media_type).subject:
            with self._changed() as manifests:
                if all(one.get("digest") != str(at.digest) for one in manifests):
                    manifests.append(at.replace(platform=None).to_json())

    def name(self, at: Descriptor, data: bytes) -> None:
        """Into the index; whatever had the name loses it."""
        self.blobs.write(data, at.digest.algorithm)
        value = at.to_json()
        if self.ref:
            value["annotations"] = {**value.get("annotations", {}), REF_NAME: self.ref}
        with self._changed() as manifests:
            for one in list(manifests):
                annotations = one.get("annotations") or {}
                same = annotations.get(REF_NAME) == self.ref
                if same if self.ref else one.get("digest") == str(at.digest) and REF_NAME not in annotations:
                    manifests.remove(one)
            manifests.append(value)

    @contextmanager
    def _changed(self) -> Iterator[list[dict[str, Any]]]:
        """The index's list, to be changed."""
        path = os.path.join(self.directory, "index.json")
        with open(os.path.join(self.directory, "oci-layout"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document: dict[str, Any] = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": []}
            if os.path.exists(path):
                data = LayoutSource(self.directory, "")._index()
                parse_manifest(data, media.OCI_INDEX, path)  # what is broken is not written on
                document = jsonc.loads(data)
            yield document["manifests"]
            replace_file(path, jsonc.dumps(document).encode())

    def close(self, *, failed: bool) -> None:
        """A layout that was to be new, and names nothing, goes away; in one that was there, blobs
        without a name may be another copy's too: they stay, for the next try."""
        if failed and self._is_new and not os.path.exists(os.path.join(self.directory, "index.json")):
            for digest in self._put:
                self.blobs.remove(digest)
            os.unlink(os.path.join(self.directory, "oci-layout"))
        # Also after success: the directory of parts is Rung's own.
        for name in ("ingest", "blobs/sha256", "blobs/sha512", "blobs", ""):
            try:
                os.rmdir(os.path.join(self.directory, name))
            except OSError:
                pass  # it is not there, or somebody needs it
