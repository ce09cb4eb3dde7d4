"""The store of this host as an end of a copy (``store:``)."""

from __future__ import annotations

import threading

from rung.image.errors import ImageError, ImageNotFound
from rung.image.progress import COPIED, COPYING, Event
from rung.image.transfer.streams import FileStream, ingest
from rung.spec.image import Descriptor, Index, Reference, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.registry.upload import Open, Stream
    from rung.image.store.metadata import ImageRow, Lease
    from rung.spec.image import Digest, Manifest, Platform

_DEPTH = 4


class StoreSource:
    """An image of the store: all that its name stood for where it came from, if all of that
    is here; otherwise the image that is unpacked."""

    def __init__(self, content: Content, row: ImageRow) -> None:
        self.content = content
        self._lease: Lease = content.metadata.lease(f"copy {row.name}")
        self._lease.__enter__()
        self.row = self._held(row)
        self._lock = threading.Lock()
        self._known: dict[str, list[str]] | None = None

    def _held(self, row: ImageRow) -> ImageRow:
        """What the name stands for, once it is kept: it may have been removed or pulled again before that."""
        while True:
            self._lease.hold([row.target, row.manifest])
            now = self.content.metadata.image(row.name)
            if now is None:
                self._lease.__exit__(None, None, None)
                raise ImageNotFound(row.name)
            if (now.target, now.manifest) == (row.target, row.manifest):
                return now
            row = now

    def root(self) -> tuple[Descriptor, bytes]:
        """The target or, where platforms of it are missing here, the manifest."""
        from rung.spec.image import Digest

        target = Digest.parse(self.row.target)
        at = Descriptor(self.row.target_type, target, self.content.blobs.size(target) or 0)
        if self.row.target == self.row.manifest or not self._is_whole(at, 0):
            at = Descriptor(self.row.media_type, Digest.parse(self.row.manifest), self.row.manifest_size)
        return at, self.content.blobs.read(at.digest)

    def _is_whole(self, at: Descriptor, depth: int) -> bool:
        data = self.manifest(at)
        if data is None or depth > _DEPTH:
            return False
        parsed = parse_manifest(data, at.media_type, f"manifest {at.digest}")
        if isinstance(parsed, Index):
            return all(self._is_whole(child, depth + 1) for child in parsed.manifests)
        foreign = [layer for layer in parsed.layers if media.is_foreign(layer.media_type)]
        needed = [one for one in (parsed.config, *parsed.layers) if one not in foreign]
        return all(self.content.blobs.has(blob.digest) for blob in needed)

    def manifest(self, at: Descriptor) -> bytes | None:
        """From its blob."""
        return self.content.blobs.read(at.digest) if self.content.blobs.has(at.digest) else None

    def open(self, blob: Descriptor, offset: int) -> Stream:
        """Its file."""
        file = self.content.blobs.open(blob.digest)
        file.seek(offset)
        return FileStream(file)

    def origins(self, blob: Descriptor) -> Sequence[str]:
        """The names of images here that have this blob: they came from there, or were pushed there."""
        with self._lock:
            if self._known is None:
                self._known = self._find_origins()
        return self._known.get(str(blob.digest), ())

    def _find_origins(self) -> dict[str, list[str]]:
        known: dict[str, list[str]] = {}
        for row in self.content.metadata.images():
            name = Reference.parse(row.name).name
            for layer in self._layers(row):
                names = known.setdefault(str(layer.digest), [])
                if name not in names:
                    names.append(name)
        return known

    def _layers(self, row: ImageRow) -> Sequence[Descriptor]:
        from rung.spec.image import Digest

        data = self.manifest(Descriptor(row.media_type, Digest.parse(row.manifest), row.manifest_size))
        parsed = parse_manifest(data, row.media_type) if data else None
        return () if parsed is None or isinstance(parsed, Index) else parsed.layers

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """The store holds images."""
        return ()

    def close(self) -> None:
        """Let go of it."""
        self._lease.__exit__(None, None, None)


class StoreDestination:
    """The store: the image for this host is unpacked and named, others' content comes along."""

    at_once = 2
    moving = COPYING

    def __init__(self, content: Content, reference: Reference, platform: Platform, progress: Progress) -> None:
        self.content = content
        self.reference = reference
        self.platform = platform
        self.progress = progress
        self._edges: dict[str, list[str]] = {}
        self._lease: Lease = content.metadata.lease(f"copy {reference}")
        self._lease.__enter__()

    def has(self, blob: Descriptor) -> bool:
        """Held from now on, if it is there."""
        self._lease.hold([str(blob.digest)])
        return self.content.blobs.has(blob.digest)

    def put(self, blob: Descriptor, open: Open, origins: Sequence[str], sent: Callable[[int], None]) -> str:
        """Into its file."""
        ingest(self.content.blobs, blob, open, sent)
        return COPIED

    def put_manifest(self, at: Descriptor, data: bytes) -> None:
        """As a blob, and what it needs is written down."""
        self._lease.hold([str(at.digest)])
        self.content.blobs.write(data, at.digest.algorithm)
        parsed = parse_manifest(data, at.media_type, f"manifest {at.digest}")
        below = parsed.manifests if isinstance(parsed, Index) else (parsed.config, *parsed.layers)
        self._edges[str(at.digest)] = [str(one.digest) for one in below]

    def name(self, at: Descriptor, data: bytes) -> None:
        """Unpack and publish."""
        self.put_manifest(at, data)
        manifest_at, manifest = self._image(at)
        config = self.content.config(manifest)
        if config.platform.serves(self.platform) is None:
            self.progress(Event("", f"note: the image is for {config.platform}, not for {self.platform}"))
        self.content.unpack(manifest, config, self._lease, self.progress)
        with self.content.metadata.transaction() as change:
            for parent, children in self._edges.items():
                change.add_edges(parent, children)
        self.content.publish(str(self.reference), at, manifest_at, manifest, config)

    def _image(self, at: Descriptor) -> tuple[Descriptor, Manifest]:
        for _ in range(_DEPTH):
            parsed = parse_manifest(self.content.blobs.read(at.digest), at.media_type, f"manifest {at.digest}")
            if not isinstance(parsed, Index):
                if parsed.config.media_type not in media.CONFIGS:
                    kind = parsed.artifact_type or parsed.config.media_type
                    raise ImageError("copy", self.reference.familiar, f"is no image but an artifact ({kind:.100})")
                return at, parsed
            chosen = choose_platform(parsed.manifests, self.platform)
            if chosen is None:
                raise ImageError("copy", self.reference.familiar, f"has no image for {self.platform}")
            at = chosen
        raise ImageError("copy", self.reference.familiar, "is an index of indexes without end")

    def close(self, *, failed: bool) -> None:
        """Let go; what nobody needs is collected."""
        self._lease.__exit__(None, None, None)
        if failed:
            self.content.collect()
