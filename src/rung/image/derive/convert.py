"""The same image with its layers in another form: gzip, zstd, not compressed, eStargz.

Rule: what is unpacked stays the same. gzip, zstd and plain keep the diff IDs and so the configuration,
byte for byte; eStargz adds an entry to each layer's archive (its table of contents), so that the
configuration gets new diff IDs and nothing else. Layers that are in the form already stay as they are.
"""

from __future__ import annotations

import hashlib

from rung import jsonc
from rung.image.derive.estargz import Stargz, write_stargz
from rung.image.errors import LayerError
from rung.image.layer.compress import GZIP, MEDIA_TYPES, PLAIN, ZSTD, compressor
from rung.image.layer.decompress import plain, sniff
from rung.image.progress import Event, silent
from rung.spec.image import Descriptor, Digest, Index, Reference, media, parse_config, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.images.image import Image
    from rung.image.images.store import Store
    from rung.image.progress import Progress
    from rung.image.store.metadata import Lease

ESTARGZ = "estargz"
_PLAIN = "uncompressed"
FORMS = (GZIP, ZSTD, _PLAIN, ESTARGZ)
_CHUNK = 1 << 20
_TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_WHOLE_SIZE = "io.containers.estargz.uncompressed-size"


def convert(store: Store, image: Image, name: str, form: str, progress: Progress = silent) -> Image:
    """A new image by the name whose layers are in the form; one of ``FORMS``."""
    reference = str(Reference.parse(name))
    content = store.content
    manifest = image.manifest
    with content.metadata.lease(f"convert {image.name}") as lease:
        lease.hold([image.row.manifest])
        layers, diff_ids = [], []
        for layer, diff_id in zip(manifest.layers, image.config.diff_ids):
            progress(Event(layer.digest.short, "Converting"))
            if form == ESTARGZ:
                made, new_id = _stargz(content, layer, lease)
            else:
                made, new_id = _compressed(content, layer, diff_id, PLAIN if form == _PLAIN else form, lease), diff_id
            layers.append(made)
            diff_ids.append(new_id)
        data = content.blobs.read(image.id)
        if tuple(diff_ids) != image.config.diff_ids:
            document = jsonc.loads(data)
            document["rootfs"]["diff_ids"] = [str(one) for one in diff_ids]
            data = jsonc.dumps(document).encode()
        _publish(content, lease, reference, data, layers, progress)
    return store.get(name)


def _publish(
    content: Content, lease: Lease, name: str, config: bytes, layers: list[Descriptor], progress: Progress
) -> None:
    config_at = Descriptor(media.OCI_CONFIG, Digest.of(config), len(config))
    lease.hold([str(config_at.digest)])
    content.blobs.write(config)
    data = jsonc.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": config_at.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    ).encode()
    at = Descriptor(media.OCI_MANIFEST, Digest.of(data), len(data))
    lease.hold([str(at.digest)])
    content.blobs.write(data)
    manifest, parsed = parse_manifest(data), parse_config(config)
    assert not isinstance(manifest, Index)
    content.unpack(manifest, parsed, lease, progress)
    content.publish(name, at, at, manifest, parsed)


def _compressed(content: Content, layer: Descriptor, diff_id: Digest, form: str, lease: Lease) -> Descriptor:
    with content.blobs.open(layer.digest) as file:
        if sniff(file.read(6)) == form:
            return Descriptor(MEDIA_TYPES[form], layer.digest, layer.size)
        file.seek(0)
        read, writer, hasher = plain(file.read), compressor(form), diff_id.hasher()
        with content.blobs.ingest() as ingest:
            while chunk := read(_CHUNK):
                hasher.update(chunk)
                ingest.write(writer.compress(chunk))
            ingest.write(writer.flush())
            if hasher.hexdigest() != diff_id.hex:
                raise LayerError("layer", layer.digest.short, "has another diff ID than its image's configuration says")
            lease.hold([f"sha256:{ingest.hex}"])
            return Descriptor(MEDIA_TYPES[form], ingest.commit(), ingest.offset)


def _stargz(content: Content, layer: Descriptor, lease: Lease) -> tuple[Descriptor, Digest]:
    with content.blobs.open(layer.digest) as file, content.blobs.ingest() as ingest:
        made: Stargz = write_stargz(plain(file.read), ingest.write)
        lease.hold([f"sha256:{ingest.hex}"])
        digest = ingest.commit()
        notes = ((_TOC_DIGEST, f"sha256:{hashlib.sha256(made.toc).hexdigest()}"), (_WHOLE_SIZE, str(made.size_bytes)))
        return Descriptor(media.OCI_LAYER_GZIP, digest, ingest.offset, annotations=notes), made.diff_id
