"""What the readers of the archive formats give: images whose blobs are in the store."""

from __future__ import annotations

from rung import jsonc
from rung.image.layer.decompress import sniff
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, Index, Reference, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rung.image.content import Content
    from rung.image.store.metadata import Lease
    from rung.spec.image import Manifest


class Loadable(Record):
    """One image. ``target`` is what its names stood for, ``names`` are full references, if any."""

    names: tuple[str, ...]
    target: Descriptor
    manifest_at: Descriptor
    manifest: Manifest


def full_name(name: str, document: str) -> str:
    """A name of an archive as a full reference."""
    try:
        return str(Reference.parse(name))
    except SpecError as error:
        raise SpecError("name", str(error), document=document) from None


def once(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in order."""
    return tuple(dict.fromkeys(names))


def make_manifest(
    content: Content, lease: Lease, names: Sequence[str], config: Descriptor, layers: Sequence[Descriptor]
) -> Loadable:
    """Write the manifest for an image that came without one."""
    data = jsonc.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    ).encode()
    at = Descriptor(media.OCI_MANIFEST, Digest.of(data), len(data))
    lease.hold([str(at.digest)])
    content.blobs.write(data)
    parsed = parse_manifest(data)
    assert not isinstance(parsed, Index)
    return Loadable(once(names), at, at, parsed)


def layer_at(content: Content, digest: Digest, size: int) -> Descriptor:
    """A layer's descriptor; how it is compressed is seen from its first bytes."""
    with content.blobs.open(digest) as file:
        kind = sniff(file.read(6))
    types = {"gzip": media.OCI_LAYER_GZIP, "zstd": media.OCI_LAYER_ZSTD}
    return Descriptor(types.get(kind, media.OCI_LAYER), digest, size)
