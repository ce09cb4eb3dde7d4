"""What a registry's answer is worth: a manifest whose digest, size and type are right. Pure."""

from __future__ import annotations

from rung.image.errors import ContentError
from rung.spec.image import Descriptor, Digest, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.registry.client import Document


def verified(document: Document, name: str, digest: str = "", expected: Descriptor | None = None) -> Descriptor:
    """The descriptor of a manifest or an index that a registry gave. ``digest``: by which it was asked
    for; where it was asked for by tag, the one that the registry says counts. ``expected``: what an
    index says of it."""
    data = document.data
    wanted = digest or document.digest
    named = Digest.parse(wanted, document=f"digest of {name}") if wanted else Digest.of(data)
    if not named.matches(data):
        raise ContentError("manifest", name, f"has the digest {Digest.of(data, named.algorithm)}, not {named}")
    if expected is not None and expected.size != len(data):
        raise ContentError("manifest", name, f"has {len(data)} bytes, its index says {expected.size}")
    is_known = document.media_type in media.MANIFESTS + media.INDEXES or "manifest" in document.media_type
    said = document.media_type if is_known else ""
    parsed = parse_manifest(data, expected.media_type if expected else said, f"manifest {name}")
    return Descriptor(parsed.media_type, named, len(data))
