"""What is signed: a "simple signing" document that names an image's digest.

containers-signature(5) ("The JSON data"); cosign's SIGNATURE_SPEC.md takes the same document,
with a type of its own. In a bundle it is an in-toto statement instead.
"""

from __future__ import annotations

from rung import jsonc
from rung.image.sign import bundle
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


def parse(data: bytes, wanted: Digest | None = None) -> Payload:
    """The document of a signature; of one that is about several images, ``wanted`` where it is among
    them. Raises ``SpecError``."""
    if bundle.is_encoded(data):
        return _parse_statement(bundle.statement_of(data), wanted)
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


def _parse_statement(data: bytes, wanted: Digest | None) -> Payload:
    fields = Fields.load(data, "signed document")
    if fields.text("_type") not in bundle.STATEMENTS or fields.text("predicateType") != bundle.SIGNATURE:
        raise SpecError("predicateType", "is no signature of an image", document="signed document")
    found = [_of_subject(one) for one in fields.objects("subject", required=True)]
    said = next((one for one in found if one.digest == wanted), found[0] if found else None)
    if said is None:
        raise SpecError("subject", "names no image", document="signed document")
    return said


def _of_subject(subject: Fields) -> Payload:
    digests = subject.text_map("digest")
    name = next((name for name in ("sha512", "sha256") if name in digests), "sha256")
    digest = Digest.parse(
        f"{name}:{digests.get(name, '')}", field="subject.digest", document="signed document"
    )
    return Payload(subject.text("name", ""), digest, subject.text_map("annotations"))
