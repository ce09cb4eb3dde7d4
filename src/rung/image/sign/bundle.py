"""Sigstore's bundles: the form in which newer cosigns (3, and 2.5 for attestations) keep a signature.

A bundle is a JSON document with a DSSE envelope, whose payload is an in-toto statement that names
the image; it is the layer of a referrer. Rule: what DSSE has signed, its "pre-authentication
encoding", is the payload of our ``Signature``: it says its own type, so that whoever verifies needs
nothing else of the bundle. Only statements that are signatures (and no other attestations) count.
sigstore, protobuf-specs, ``sigstore_bundle.proto``; DSSE, protocol.md; in-toto, Statement.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from rung import jsonc
from rung.image.sign.forms import PAYLOAD_BYTES, Signature
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, media
from rung.spec.image.fields import Fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"
STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
#: The predicate by which cosign tells a signature from other attestations.
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
_PAE = b"DSSEv1 "
_EMPTY = b"{}"


def pre_authentication_encoding(kind: str, payload: bytes) -> bytes:
    """What is signed: ``DSSEv1 LEN(type) type LEN(payload) payload``."""
    return b"%b%d %b %d %b" % (_PAE, len(kind.encode()), kind.encode(), len(payload), payload)


def is_encoded(data: bytes) -> bool:
    """Whether signed bytes are such an encoding."""
    return data.startswith(_PAE)


def statement_of(data: bytes) -> bytes:
    """The in-toto statement in signed bytes. Raises ``SpecError``."""
    head = b"%b%d %b " % (_PAE, len(IN_TOTO), IN_TOTO.encode())
    size, blank, payload = data.removeprefix(head).partition(b" ")
    if not data.startswith(head) or not blank or not size.isdigit() or int(size[:9]) != len(payload):
        raise SpecError("payloadType", f"is not {IN_TOTO}", document="signed document")
    return payload


def signatures_of(data: bytes) -> list[Signature]:
    """The signatures of a bundle; none where it holds something else."""
    try:
        envelope = Fields.load(data, "bundle").required_object("dsseEnvelope")
        kind = envelope.text("payloadType")
        payload = base64.b64decode(envelope.text("payload"), validate=True)
        found = [base64.b64decode(one.text("sig"), validate=True) for one in envelope.objects("signatures")]
    except (SpecError, binascii.Error):
        return []
    if len(payload) > PAYLOAD_BYTES:
        return []
    return [Signature(pre_authentication_encoding(kind, payload), one) for one in found]


def make_statement(reference: str, digest: Digest, annotations: Mapping[str, str]) -> bytes:
    """What is signed of an image, in bytes for DSSE."""
    subject: dict[str, object] = {"name": reference, "digest": {digest.algorithm: digest.hex}}
    if annotations:
        subject["annotations"] = dict(annotations)
    statement = {"_type": STATEMENTS[0], "subject": [subject], "predicateType": SIGNATURE, "predicate": {}}
    return pre_authentication_encoding(IN_TOTO, jsonc.dumps(statement).encode())


def make_bundle(signature: Signature, public_der: bytes) -> bytes:
    """The bundle of a signature; ``public_der`` is the key that made it, for the hint."""
    envelope = {
        "payload": base64.b64encode(statement_of(signature.payload)).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": base64.b64encode(signature.signature).decode()}],
    }
    hint = base64.b64encode(hashlib.sha256(public_der).digest()).decode()
    material = {"publicKey": {"hint": hint}}
    return jsonc.dumps(
        {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    ).encode()


def manifest_of(bundle: bytes, subject: Descriptor) -> tuple[bytes, bytes]:
    """The referrer that carries a bundle, and its (empty) config."""
    document = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "artifactType": BUNDLE,
        "config": Descriptor("application/vnd.oci.empty.v1+json", Digest.of(_EMPTY), len(_EMPTY)).to_json(),
        "layers": [Descriptor(BUNDLE, Digest.of(bundle), len(bundle)).to_json()],
        "subject": Descriptor(subject.media_type, subject.digest, subject.size).to_json(),
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": SIGNATURE,
        },
    }
    return jsonc.dumps(document).encode(), _EMPTY
