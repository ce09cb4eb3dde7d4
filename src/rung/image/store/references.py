"""What a manifest or an index needs, as far as it is in the store.

Rule: an index is kept whole as it came, but only some of its manifests may be here; those that
are, are kept with all of their own.
"""

from __future__ import annotations

from rung.spec.image import Index, Manifest, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.store.blobs import Blobs
    from rung.spec.image import Descriptor

_DEPTH = 4


def present(blobs: Blobs, root: Descriptor, depth: int = _DEPTH) -> Iterator[tuple[Descriptor, Manifest | Index]]:
    """The documents below and with ``root`` that are in the store, parents first."""
    if root.media_type not in media.MANIFESTS + media.INDEXES or not blobs.has(root.digest):
        return
    parsed = parse_manifest(blobs.read(root.digest), root.media_type, f"manifest {root.digest}")
    yield root, parsed
    if isinstance(parsed, Index) and depth:
        for below in parsed.manifests:
            yield from present(blobs, below, depth - 1)


def needs(blobs: Blobs, document: Manifest | Index) -> list[str]:
    """The keys of what a document refers to: all of a manifest's, of an index's what is here."""
    if isinstance(document, Index):
        return [str(one.digest) for one in document.manifests if blobs.has(one.digest)]
    return [str(document.config.digest), *(str(layer.digest) for layer in document.layers)]


def images(blobs: Blobs, root: Descriptor) -> list[tuple[Descriptor, Manifest]]:
    """The images among what is present: manifests whose configuration is an image's and is here."""
    return [
        (at, parsed)
        for at, parsed in present(blobs, root)
        if isinstance(parsed, Manifest)
        and parsed.config.media_type in media.CONFIGS
        and blobs.has(parsed.config.digest)
    ]
