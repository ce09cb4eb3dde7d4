"""``rung image verify --key``: which signatures of an image count.

Rule: a signature counts when a key that was named signed its bytes, and these name the digest that
was asked about; only then is anything else of them read.
"""

from __future__ import annotations

from rung.image.errors import SignatureError
from rung.image.sign import payload
from rung.image.sign.attached import Repository
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Digest, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rung.image.sign.forms import Signature
    from rung.image.sign.keys import PublicKey
    from rung.image.sign.payload import Payload


class Verified(Record):
    """An image and what was signed of it."""

    reference: str
    digest: Digest
    payloads: tuple[Payload, ...]


def verify_image(
    name: str,
    keys: Sequence[PublicKey],
    *,
    annotations: Mapping[str, str] | None = None,
    insecure: bool = False,
) -> Verified:
    """The signatures of an image in its registry that count for these keys and say all of
    ``annotations``. Raises ``SignatureError`` where none does."""
    reference = Reference.parse(name)
    with Repository(reference, insecure=insecure) as repository:
        digest = repository.subject().digest
        signatures = repository.signatures(digest)
    payloads = counting(signatures, digest, keys)
    if not payloads:
        raise SignatureError("verify", name, why_none(signatures, keys))
    wanted = dict(annotations or {})
    said = [one for one in payloads if all(one.optional.get(key) == value for key, value in wanted.items())]
    if not said:
        listed = ", ".join(f"{key}={value}" for key, value in wanted.items())
        raise SignatureError("verify", name, f"no signature says {listed}")
    return Verified(str(reference), digest, tuple(said))


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
