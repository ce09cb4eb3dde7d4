"""Whether an image may come in, or run: the policy, enforced.

Rule: one function decides, ``admit``; pull, copy, load and run ask it before anything of the image
is used. What was verified at a pull is kept with the image,
so that a run needs no registry, and a key that is taken out of the policy counts no more.
"""

from __future__ import annotations

import base64
import binascii

from rung.image.errors import PolicyError
from rung.image.sign import forms, policy
from rung.image.sign.counting import counts
from rung.record import Record
from rung.spec.image import Digest, Manifest, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.image.content import Content
    from rung.image.images.image import Image
    from rung.image.sign.forms import Signature
    from rung.image.sign.keys import PublicKey
    from rung.image.sign.policy import Policy, Requirement
    from rung.spec.image import Descriptor, Reference

    Signatures = Callable[[Digest], Sequence[Signature]]


class Candidate(Record):
    """An image that wants in. ``digests``: of the index it is named by, and of its manifest; a signature
    of either is one of the image. ``where`` is a reference (``docker``, ``store``) or a path."""

    transport: str
    name: str
    digests: tuple[Digest, ...]
    reference: Reference | None = None
    path: str = ""


def admit(rules: Policy, candidate: Candidate, signatures: Signatures) -> list[Signature]:
    """Return where the policy lets the image in, with the signatures that it is in for. ``signatures``
    is called for a digest's, where they are asked for. Raises ``PolicyError``."""
    scopes = (
        policy.scopes_of(candidate.reference) if candidate.reference else policy.path_scopes(candidate.path)
    )
    used: dict[tuple[bytes, bytes], Signature] = {}
    for requirement in rules.applying(candidate.transport, scopes):
        if requirement.kind == policy.ACCEPT:
            continue
        if requirement.kind == policy.REJECT:
            raise PolicyError("policy", candidate.name, "is not admitted", f"{rules.name} says reject")
        found = _signed(requirement, candidate, signatures, rules)
        used[found.payload, found.signature] = found
    return list(used.values())


def _signed(
    requirement: Requirement, candidate: Candidate, signatures: Signatures, rules: Policy
) -> Signature:
    """A signature that meets the requirement."""
    if requirement.unmet:
        raise PolicyError("policy", candidate.name, f"is not admitted: {requirement.unmet}", rules.name)
    keys = _keys(requirement, rules)
    seen = 0
    misnamed = ""
    for digest in candidate.digests:
        for each in signatures(digest):
            seen += 1
            said = counts(each, digest, keys)
            if said is None:
                continue
            if requirement.identity.matches(said.reference, candidate.reference):
                return each
            misnamed = said.reference
    if misnamed:
        reason = f"it is signed as {misnamed[:200]}, which the policy does not take for it"
        hint = 'cosign signs no tag: "signedIdentity": {"type": "matchRepository"}'
        raise PolicyError("policy", candidate.name, f"is not admitted: {reason}", hint)
    reason = f"none of its {seen} signatures is by a key of the policy" if seen else "it has no signature"
    raise PolicyError("policy", candidate.name, f"is not admitted: {reason}", rules.name)


def _keys(requirement: Requirement, rules: Policy) -> list[PublicKey]:
    from rung.image.sign.keys import PublicKey

    keys = [PublicKey.load(path) for path in requirement.key_paths]
    for text in requirement.key_data:
        try:
            keys.append(PublicKey.parse(base64.b64decode(text, validate=True), f"keyData in {rules.name}"))
        except binascii.Error:
            raise PolicyError("policy", rules.name, "keyData is not base64") from None
    return keys


# --- kept with the image -----------------------------------------------------------------


def kept_key(digest: str) -> str:
    """The key of an image's signatures among the store's edges."""
    return f"signatures:{digest}"


def keep(content: Content, subject: Descriptor, signatures: Sequence[Signature]) -> None:
    """Keep signatures in the store for as long as what they are about is there."""
    if not signatures:
        return
    together = tuple(signatures)
    manifest = forms.manifest_of(together, subject)
    documents = [manifest, forms.config_of(together), *(one.payload for one in together)]
    digests = [str(Digest.of(data)) for data in documents]
    key = kept_key(str(subject.digest))
    with content.metadata.lease("signatures") as lease:
        lease.hold(digests)
        for data in documents:
            content.blobs.write(data)
        with content.metadata.transaction() as change:
            change.execute("DELETE FROM edge WHERE parent = ?", key)
            change.add_edges(str(subject.digest), [key])
            change.add_edges(key, digests[:1])
            change.add_edges(digests[0], digests[1:])


def kept(content: Content, digest: Digest) -> list[Signature]:
    """The signatures that were kept of an image."""
    found = []
    for (child,) in content.metadata.rows("SELECT child FROM edge WHERE parent = ?", kept_key(str(digest))):
        data = content.blobs.read(Digest.parse(child))
        parsed = parse_manifest(data, media.OCI_MANIFEST, f"signatures {child}")
        assert isinstance(parsed, Manifest)
        for layer, signature in forms.layers_of(parsed):
            payload = content.blobs.read(layer.digest, forms.PAYLOAD_BYTES)
            found.append(forms.Signature(payload, signature, forms.others_of(layer)))
    return found


# --- who asks ----------------------------------------------------------------------------


def admit_stored(rules: Policy, content: Content, image: Image) -> None:
    """Whether an image of the store may run. The policy's transport ``store`` speaks of it, where it
    is said; else what ``docker`` says of the image's name. Raises ``PolicyError``."""
    transport = "store" if "store" in rules.transports else "docker"
    digests = tuple(dict.fromkeys((image.digest, image.manifest_digest)))
    admit(
        rules,
        Candidate(transport, image.name, digests, image.reference),
        lambda digest: kept(content, digest),
    )


def admit_archive(rules: Policy, transport: str) -> None:
    """Whether archives of a kind may be loaded. Raises ``PolicyError``."""
    admit(rules, Candidate(transport, transport, ()), no_signatures)


def no_signatures(_: Digest) -> Sequence[Signature]:
    """Of what comes from where there are none."""
    return ()
