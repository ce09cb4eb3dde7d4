"""The same image with its layers in another form: gzip, zstd, not compressed, eStargz, EROFS.

Rule: what is unpacked stays the same. gzip, zstd and plain keep the diff IDs and so the configuration,
byte for byte; eStargz adds an entry to each layer's archive (its table of contents), so that the
configuration gets new diff IDs and nothing else; EROFS (``erofs.py``) makes images of file systems, of which the
configuration says that they are. Layers that are in the form already stay as they are.
"""

from __future__ import annotations

import hashlib

from rung import jsonc
from rung.image.derive import erofs
from rung.image.derive.estargz import Stargz, write_stargz
from rung.image.errors import LayerError
from rung.image.layer.compress import GZIP, MEDIA_TYPES, PLAIN, ZSTD, compressor
from rung.image.layer.decompress import plain, sniff
from rung.image.progress import Event, silent
from rung.image.snapshot.chain import chain_ids
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
#: How the whole of an EROFS image is compressed.
_IMAGES = {"erofs": PLAIN, "erofs-zstd": ZSTD}
_IMAGE_TYPES = {PLAIN: media.EROFS_LAYER, ZSTD: media.EROFS_LAYER_ZSTD}
FORMS = (GZIP, ZSTD, _PLAIN, ESTARGZ, *_IMAGES)
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
        if form in _IMAGES:
            content.unpack(manifest, image.config, lease, progress)  # its files are what is packed
        layers, diff_ids = [], []
        known = image.config.diff_ids
        for layer, diff_id, chain in zip(manifest.layers, known, chain_ids(known)):
            progress(Event(layer.digest.short, "Converting"))
            made, new_id = _converted(content, layer, diff_id, chain, form, lease)
            layers.append(made)
            diff_ids.append(new_id)
        data = content.blobs.read(image.id)
        if tuple(diff_ids) != known:
            document = jsonc.loads(data)
            document["rootfs"]["diff_ids"] = [str(one) for one in diff_ids]
            if form in _IMAGES:
                document["os.features"] = [*dict.fromkeys([*(document.get("os.features") or ()), "erofs"])]
            data = jsonc.dumps(document).encode()
        _publish(content, lease, reference, data, layers, progress)
    return store.get(name)


def _converted(
    content: Content, layer: Descriptor, diff_id: Digest, chain: Digest, form: str, lease: Lease
) -> tuple[Descriptor, Digest]:
    """The layer in the form, and its diff ID."""
    is_image = media.is_erofs(layer.media_type)
    if is_image and form not in _IMAGES:
        hint = "convert the image it was made from, or squash it"
        raise LayerError("layer", layer.digest.short, "is an EROFS image, of which no archive is made again", hint)
    if is_image:
        return _compressed(content, layer, diff_id, _IMAGES[form], _IMAGE_TYPES, lease), diff_id
    if form in _IMAGES:
        return _image(content, chain, _IMAGES[form], lease)
    if form == ESTARGZ:
        return _stargz(content, layer, lease)
    return _compressed(content, layer, diff_id, PLAIN if form == _PLAIN else form, MEDIA_TYPES, lease), diff_id


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


def _compressed(
    content: Content, layer: Descriptor, diff_id: Digest, form: str, types: dict[str, str], lease: Lease
) -> Descriptor:
    with content.blobs.open(layer.digest) as file:
        if sniff(file.read(6)) == form:
            return Descriptor(types[form], layer.digest, layer.size)
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
            return Descriptor(types[form], ingest.commit(), ingest.offset)


def _image(content: Content, chain: Digest, form: str, lease: Lease) -> tuple[Descriptor, Digest]:
    writer, hasher = compressor(form), hashlib.sha256()
    with erofs.image_of(content, chain) as file, content.blobs.ingest() as ingest:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            ingest.write(writer.compress(chunk))
        ingest.write(writer.flush())
        lease.hold([f"sha256:{ingest.hex}"])
        return Descriptor(_IMAGE_TYPES[form], ingest.commit(), ingest.offset), Digest("sha256", hasher.hexdigest())


def _stargz(content: Content, layer: Descriptor, lease: Lease) -> tuple[Descriptor, Digest]:
    with content.blobs.open(layer.digest) as file, content.blobs.ingest() as ingest:
        made: Stargz = write_stargz(plain(file.read), ingest.write)
        lease.hold([f"sha256:{ingest.hex}"])
        digest = ingest.commit()
        notes = ((_TOC_DIGEST, f"sha256:{hashlib.sha256(made.toc).hexdigest()}"), (_WHOLE_SIZE, str(made.size_bytes)))
        return Descriptor(media.OCI_LAYER_GZIP, digest, ingest.offset, annotations=notes), made.diff_id
