"""One tar of a root file system as an image of one layer, in one pass.

While the bytes arrive they are unpacked and stored as the layer's blob, at once: a
compressed archive as it came, a plain one as gzip.
"""

from __future__ import annotations

import time
import zlib

from rung import jsonc
from rung.image.errors import ArchiveError
from rung.image.progress import EXTRACTING, Event
from rung.image.snapshot.chain import chain_ids
from rung.image.store.metadata import chain_key
from rung.spec.image import Descriptor, Digest, HistoryEntry, ImageConfig, Manifest, media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, BinaryIO

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.store.blobs import Ingest
    from rung.image.store.metadata import Lease
    from rung.spec.image import Platform

_GZIP_LEVEL = 3  # of what is made here and mostly never leaves: speed before size


def import_rootfs(
    content: Content,
    file: BinaryIO,
    name: str,
    platform: Platform,
    progress: Progress,
    *,
    comment: str = "Imported by rung",
    created: float | None = None,
    **running: Any,
) -> str:
    """Import an archive; ``name`` is a full reference or empty, ``running`` are fields of
    ``ImageConfig``, ``created`` seconds since 1970. The name it has now."""
    with content.metadata.lease(f"import {name}") as lease:
        progress(Event("", f"{EXTRACTING} the root file system"))
        layer, diff_id = add_layer(content, file.read, lease)
        when = _moment(time.time_ns() if created is None else round(created * 1e9))
        config = ImageConfig(
            platform=platform,
            diff_ids=(diff_id,),
            created=when,
            history=(HistoryEntry(created=when, comment=comment),),
            **running,
        )
        return publish_new(content, name, config, (layer,), lease)


def _moment(ns: int) -> str:
    """RFC 3339 as Go writes it: no more digits than needed."""
    seconds, rest = divmod(ns, 1_000_000_000)
    fraction = f".{rest:09}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"


def add_layer(
    content: Content, read: Callable[[int], bytes], lease: Lease, below: Sequence[Digest] = ()
) -> tuple[Descriptor, Digest]:
    """Store and unpack an archive as an image's layer upon those with the diff IDs ``below``: its blob
    and its diff ID."""
    with content.blobs.ingest() as ingest:
        copy = _Copy(read, ingest)
        new = content.layers.unpack(copy.read, form=content.snapshots.layer_form())
        try:
            media_type = copy.finish()
            chains = chain_ids([*below, new.diff_id])
            lease.hold([chain_key(str(chains[-1])), f"sha256:{copy.hex}"])
            digest = ingest.commit()
            size = new.extracted.size_bytes
            with content.metadata.transaction(durable=False) as change:
                new.stack(chains[-1], chains[-2::-1] if below else [])
                parent = str(chains[-2]) if below else ""
                change.add_snapshot(str(chains[-1]), parent, str(new.diff_id), size)
        except BaseException:
            new.drop()
            raise
        content.sync_layers([chains[-1]])
        return Descriptor(media_type, digest, ingest.offset), new.diff_id


def publish_new(
    content: Content,
    name: str,
    config: ImageConfig,
    layers: tuple[Descriptor, ...],
    lease: Lease,
) -> str:
    """Write configuration and manifest of an image whose layers are in the store, and name it: the
    name that it has, which is another than the empty one asked for."""
    config_bytes = jsonc.dumps(config.to_json()).encode()
    config_digest = Digest.of(config_bytes)
    lease.hold([str(config_digest)])
    content.blobs.write(config_bytes)
    config_at = Descriptor(media.OCI_CONFIG, config_digest, len(config_bytes))
    manifest = Manifest(media.OCI_MANIFEST, config_at, layers)
    manifest_bytes = jsonc.dumps(
        {
            "schemaVersion": 2,
            "mediaType": manifest.media_type,
            "config": config_at.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    ).encode()
    manifest_at = Descriptor(media.OCI_MANIFEST, Digest.of(manifest_bytes), len(manifest_bytes))
    lease.hold([str(manifest_at.digest)])
    content.blobs.write(manifest_bytes)
    content.publish(name, manifest_at, manifest_at, manifest, config)
    return name or content.metadata.images_of(str(config_digest))[-1].name


class _Copy:
    """Gives the bytes on and stores them, plain ones as gzip."""

    def __init__(self, read: Callable[[int], bytes], ingest: Ingest) -> None:
        self._read = read
        self._ingest = ingest
        self._started = False
        self._gzip: Any = None
        self.media_type = media.OCI_LAYER_GZIP

    def read(self, size: int) -> bytes:
        data = self._read(size)
        if not self._started and data:
            self._started = True
            if not data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
                self._gzip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
            if data.startswith(b"\x28\xb5\x2f\xfd"):
                self.media_type = media.OCI_LAYER_ZSTD
        if data:
            self._ingest.write(self._gzip.compress(data) if self._gzip else data)
        return data

    def finish(self) -> str:
        """The stored blob's media type, when all has been read."""
        if not self._started:
            raise ArchiveError("archive", "", "is empty")
        if self._gzip:
            self._ingest.write(self._gzip.flush())
        return self.media_type

    @property
    def hex(self) -> str:
        """The stored blob's SHA-256."""
        return self._ingest.hex
