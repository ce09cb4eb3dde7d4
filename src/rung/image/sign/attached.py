"""Signatures in a registry: those that an image has, and one more.

Rule: all forms are read, and what is read is only material: whether it counts is decided
elsewhere. Signing adds to the signatures that are there; whoever signed before stays. The referrer
has all of them, because cosign looks at one referrer only; the one before it is deleted where the
registry lets us.
"""

from __future__ import annotations

from time import sleep

from rung.image.errors import ContentError, ImageError, RegistryError
from rung.image.registry import manifests
from rung.image.registry.client import Registry
from rung.image.registry.upload import Upload
from rung.image.sign import bundle, forms
from rung.image.sign.forms import Signature
from rung.image.transfer.streams import FileStream
from rung.spec.image import Descriptor, Digest, Index, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.registry.limits import Limits
    from rung.spec.image import Reference

TAG, REFERRER, BOTH, BUNDLE = "tag", "referrer", "both", "bundle"
DEPTH = 4


class Repository:
    """The repository of an image, for its signatures. A context."""

    def __init__(
        self,
        reference: Reference,
        *,
        insecure: bool = False,
        limits: Limits | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.reference = reference
        self.name = reference.path
        self._registry = registry or Registry(reference.domain, insecure=insecure, limits=limits)

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self._registry.close()

    def subject(self) -> Descriptor:
        """What the reference stands for."""
        return manifests.get(self._registry, self.name, self.reference.target)[0]

    def below(self, at: Descriptor, depth: int = 0) -> Iterator[Descriptor]:
        """A manifest, or an index and everything that it names."""
        yield at
        data = manifests.get(self._registry, self.name, str(at.digest))[1]
        parsed = parse_manifest(data, at.media_type, f"manifest {at.digest}")
        if isinstance(parsed, Index):
            if depth >= DEPTH:
                raise ContentError("index", str(at.digest), f"is nested more than {DEPTH} deep")
            for child in parsed.manifests:
                yield from self.below(child, depth + 1)

    # --- reading -------------------------------------------------------------------------

    def signatures(self, subject: Digest) -> list[Signature]:
        """All signatures that an image has, each once."""
        found = {(one.payload, one.signature): one for one in self._tagged(subject)}
        for kind in (forms.ARTIFACT, bundle.BUNDLE):
            for at in self._referring(subject, kind):
                for one in self._of_manifest(str(at.digest)):
                    found.setdefault((one.payload, one.signature), one)
        return list(found.values())[: forms.LIMIT]

    def _tagged(self, subject: Digest) -> list[Signature]:
        try:
            return self._of_manifest(forms.tag_of(subject))
        except RegistryError as error:
            if error.status != 404:
                raise
            return []

    def _referring(self, subject: Digest, kind: str = forms.ARTIFACT) -> list[Descriptor]:
        return manifests.referrers(self._registry, self.name, subject, kind)[: forms.LIMIT]

    def _of_manifest(self, target: str) -> list[Signature]:
        at, data = manifests.get(self._registry, self.name, target)
        parsed = parse_manifest(data, at.media_type, f"signatures {target}")
        if isinstance(parsed, Index):
            return []
        found = []
        for layer, signature in forms.layers_of(parsed):
            payload = self._document(layer)
            found.append(Signature(payload, signature, forms.others_of(layer)))
        for layer in parsed.layers[: forms.LIMIT]:
            if layer.media_type == bundle.BUNDLE and layer.size <= forms.PAYLOAD_BYTES:
                found.extend(bundle.signatures_of(self._document(layer)))
        return found

    def _document(self, at: Descriptor) -> bytes:
        limit = forms.PAYLOAD_BYTES
        data = self._registry.document(self.name, f"blobs/{at.digest}", "*/*", limit=limit).data
        if not at.digest.matches(data):
            raise ContentError("signature", str(at.digest), "has other bytes than its digest says")
        return data

    # --- writing -------------------------------------------------------------------------

    def attach(self, subject: Descriptor, new: Signature, form: str) -> None:
        """Add a signature to those of an image."""
        if form not in (TAG, REFERRER, BOTH):
            raise ImageError("sign", form, "is no form of a signature", f"{TAG}, {REFERRER} or {BOTH}")
        if form in (TAG, BOTH):
            together = (*self._tagged(subject.digest), new)
            self._put(forms.tag_of(subject.digest), together, None)
        if form in (REFERRER, BOTH):
            before = self._referring(subject.digest)
            together = (*(one for at in before for one in self._of_manifest(str(at.digest))), new)
            self._put("", tuple(dict.fromkeys(together)), subject)
            for at in before:
                self._try_to_delete(at.digest)

    def attach_bundle(self, subject: Descriptor, made: bytes) -> None:
        """Add a bundle to those of an image: each is a referrer of its own."""
        data, config = bundle.manifest_of(made, subject)
        self._push(config)
        self._push(made)
        manifests.put(self._registry, self.name, str(Digest.of(data)), data, media.OCI_MANIFEST)

    def _put(self, tag: str, signatures: tuple[Signature, ...], subject: Descriptor | None) -> None:
        self._push(forms.config_of(signatures))
        for one in signatures:
            self._push(one.payload)
        data = forms.manifest_of(signatures, subject)
        manifests.put(self._registry, self.name, tag or str(Digest.of(data)), data, media.OCI_MANIFEST)

    def _push(self, data: bytes) -> None:
        blob = Descriptor("application/octet-stream", Digest.of(data), len(data))
        if not self._registry.has(self.name, f"blobs/{blob.digest}"):
            Upload(self._registry, self.name, blob, lambda offset: _stream(data, offset), _sent, sleep).run()

    def _try_to_delete(self, digest: Digest) -> None:
        try:
            manifests.delete(self._registry, self.name, str(digest))
        except RegistryError:
            pass  # it stays beside the new one


def _stream(data: bytes, offset: int) -> FileStream:
    from io import BytesIO

    return FileStream(BytesIO(data[offset:]))


def _sent(_: int) -> None:
    pass
