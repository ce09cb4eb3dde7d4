"""``rung image verify --key``: which signatures of an image count.

Rule: which do is decided in ``counting``; here they are fetched, and the answer is put into a sentence.
"""

from __future__ import annotations

from rung.image.errors import SignatureError
from rung.image.sign.attached import Repository
from rung.image.sign.counting import counting, why_none
from rung.record import Record
from rung.spec.image import Digest, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
