"""Which signatures count. Pure.

Rule: a signature counts when a key that was named signed its bytes, and these name the digest that
was asked about; only then is anything else of them read.
"""

from __future__ import annotations

from rung.image.sign import payload
from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rung.image.sign.forms import Signature
    from rung.image.sign.keys import PublicKey
    from rung.image.sign.payload import Payload
    from rung.spec.image import Digest


def counting(signatures: Iterable[Signature], digest: Digest, keys: Sequence[PublicKey]) -> list[Payload]:
    """What was signed, by each signature that counts."""
    return [found for each in signatures if (found := counts(each, digest, keys))]


def counts(signature: Signature, digest: Digest, keys: Sequence[PublicKey]) -> Payload | None:
    """What was signed, if one of the keys signed it and it is about this digest."""
    if not any(key.verify(signature.signature, signature.payload) for key in keys):
        return None
    try:
        said = payload.parse(signature.payload, digest)
    except SpecError:
        return None
    return said if said.digest == digest else None


def why_none(signatures: Sequence[Signature], keys: Sequence[PublicKey]) -> str:
    """The reason, for a sentence."""
    names = ", ".join(key.name for key in keys)
    if not signatures:
        return "has no signature"
    return f"none of its {len(signatures)} signatures is by {names}"
