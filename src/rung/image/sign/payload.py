"""What is signed: a "simple signing" document that names an image's digest.

containers-signature(5) ("The JSON data"); cosign's SIGNATURE_SPEC.md takes the same document,
with a type of its own.
"""

from __future__ import annotations

from rung import jsonc
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Digest
from rung.spec.image.fields import Fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

COSIGN, ATOMIC = "cosign container image signature", "atomic container signature"


class Payload(Record):
    """What a signature says: that this digest is this image. ``optional`` are the signer's own words."""

    reference: str
    digest: Digest
    optional: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The signed document again."""
        return document_of(self.reference, self.digest, self.optional)


def document_of(reference: str, digest: Digest, optional: Mapping[str, Any]) -> dict[str, Any]:
    """What is signed of an image, as a JSON value."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": str(digest)},
        "type": COSIGN,
    }
    return {"critical": critical, "optional": dict(optional) or None}


def make(reference: str, digest: Digest, annotations: Mapping[str, str]) -> bytes:
    """What is signed; ``reference`` is without tag and digest, as cosign has it."""
    return jsonc.dumps(document_of(reference, digest, annotations)).encode()


def parse(data: bytes) -> Payload:
    """The document of a signature. Raises ``SpecError``."""
    fields = Fields.load(data, "signed document")
    critical = fields.required_object("critical")
    kind = critical.text("type")
    # "Consumers of signatures MUST verify that this is the value they expect".
    if kind not in (COSIGN, ATOMIC):
        raise SpecError(
            "critical.type", f'"{kind:.100}" is no signature of an image', document="signed document"
        )
    name = "docker-manifest-digest"
    digest = Digest.parse(
        critical.required_object("image").text(name),
        field=f"critical.image.{name}",
        document="signed document",
    )
    reference = critical.required_object("identity").text("docker-reference")
    optional = fields.object("optional")
    return Payload(reference, digest, dict(optional.value) if optional else {})
