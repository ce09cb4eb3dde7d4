"""How signatures lie in a registry: a manifest whose layers are what was signed.

Two forms, both cosign's: under the tag ``sha256-HEX.sig``, and with the image as its subject
(OCI 1.1), where the type of the config says what it is. The signature itself is an annotation of
the layer. cosign, SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import base64
import binascii

from rung import jsonc
from rung.record import Record
from rung.spec.image import Descriptor, Digest, Manifest, media

LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
#: A manifest with more of them is somebody's joke.
LIMIT = 200
PAYLOAD_BYTES = 1 << 20


class Signature(Record):
    """Bytes that somebody signed, and the signature. ``annotations`` are the layer's others."""

    payload: bytes
    signature: bytes
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def layer(self) -> Descriptor:
        """The descriptor of the payload, the signature in it."""
        said = (*self.annotations, (SIGNATURE, base64.b64encode(self.signature).decode()))
        return Descriptor(LAYER, Digest.of(self.payload), len(self.payload), annotations=said)


def tag_of(subject: Digest) -> str:
    """The tag that a manifest's signatures are under."""
    return f"{subject.algorithm}-{subject.hex}.sig"


def config_of(signatures: tuple[Signature, ...]) -> bytes:
    """A config such as an image would have: registries that know nothing else take it."""
    layers = [str(one.layer.digest) for one in signatures]
    rootfs = {"type": "layers", "diff_ids": layers}
    history = [{"created": "0001-01-01T00:00:00Z"} for _ in layers]
    document = {"architecture": "", "created": "0001-01-01T00:00:00Z", "history": history, "os": ""}
    return jsonc.dumps({**document, "rootfs": rootfs, "config": {}}).encode()


def manifest_of(signatures: tuple[Signature, ...], subject: Descriptor | None) -> bytes:
    """The manifest of all signatures of an image: for the tag, or as a referrer of ``subject``."""
    config = config_of(signatures)
    kind = ARTIFACT if subject else media.OCI_CONFIG
    document = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "config": Descriptor(kind, Digest.of(config), len(config)).to_json(),
        "layers": [one.layer.to_json() for one in signatures],
    }
    if subject:
        document["subject"] = Descriptor(subject.media_type, subject.digest, subject.size).to_json()
    return jsonc.dumps(document).encode()


def layers_of(manifest: Manifest) -> list[tuple[Descriptor, bytes]]:
    """The layers that are signatures, each with its signature; what is none is passed over."""
    found = []
    for layer in manifest.layers[:LIMIT]:
        text = dict(layer.annotations).get(SIGNATURE, "")
        if layer.media_type != LAYER or not text or layer.size > PAYLOAD_BYTES:
            continue
        try:
            found.append((layer, base64.b64decode(text, validate=True)))
        except binascii.Error:
            continue
    return found


def others_of(layer: Descriptor) -> tuple[tuple[str, str], ...]:
    """A layer's annotations but for the signature: certificates and log entries of cosign's."""
    return tuple(pair for pair in layer.annotations if pair[0] != SIGNATURE)
