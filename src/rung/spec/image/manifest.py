"""Descriptors, manifests and indexes.

Rule: parsing says no to what cannot be used (a wrong digest, a negative size, a type
that contradicts what the registry said) and keeps unknown fields out; the bytes
themselves, which the digest names, are never rewritten.
OCI image specification: descriptor.md, manifest.md, image-index.md.
"""

from __future__ import annotations

from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import media
from rung.spec.image.digest import Digest
from rung.spec.image.fields import Fields
from rung.spec.image.platform import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Docker schema 1: what old registries still answer with.
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_SIZE_LIMIT = 1 << 62


class Descriptor(Record):
    """What a blob is, how long, and by which digest it is found. ``size`` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    urls: tuple[str, ...] = ()
    artifact_type: str = ""

    def to_json(self) -> dict[str, Any]:
        """The descriptor as a JSON value."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.platform:
            value["platform"] = {"architecture": self.platform.architecture, "os": self.platform.os}
            if self.platform.variant:
                value["platform"]["variant"] = self.platform.variant
            if self.platform.os_version:
                value["platform"]["os.version"] = self.platform.os_version
        if self.urls:
            value["urls"] = list(self.urls)
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        return value


class Manifest(Record):
    """One image for one platform, or an artifact."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    subject: Descriptor | None = None
    artifact_type: str = ""


class Index(Record):
    """Several manifests, mostly one for each platform."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    subject: Descriptor | None = None
    artifact_type: str = ""


def parse_manifest(data: bytes, media_type: str = "", document: str = "manifest") -> Manifest | Index:
    """A manifest or an index. ``media_type`` is what its descriptor or registry said, if anything.

    Raises ``SpecError`` naming the field of ``document``."""
    fields = Fields.load(data, document)
    own = fields.text("mediaType", "")
    if (own or media_type).startswith(_SCHEMA_1) or fields.value.get("schemaVersion") == 1:
        hint = "push it again with a current docker, podman or skopeo"
        raise fields.broken("schemaVersion", "is 1: Docker's first manifest format is not supported", hint)
    if fields.number("schemaVersion") != 2:
        raise fields.broken("schemaVersion", f"must be 2, not {fields.number('schemaVersion')}")
    known = media.MANIFESTS + media.INDEXES
    if own and own in known and media_type in known and own != media_type:
        raise fields.broken("mediaType", f'is "{own}", but it was announced as "{media_type}"')
    kind = own or media_type or _guess(fields)
    if kind in media.MANIFESTS:
        if "manifests" in fields.value:  # CVE-2021-41190: one document must not read as both
            raise fields.broken("manifests", f"does not belong into a manifest ({kind})")
        return _manifest(fields, kind)
    if kind in media.INDEXES:
        if "config" in fields.value or "layers" in fields.value:
            raise fields.broken("layers", f"does not belong into an index ({kind})")
        return _index(fields, kind)
    raise fields.broken("mediaType", f'"{kind:.100}" is neither an image\'s manifest nor an index')


def parse_descriptor(fields: Fields) -> Descriptor:
    """A descriptor; raises ``SpecError`` naming its field."""
    size = fields.number("size")
    if not 0 <= size < _SIZE_LIMIT:
        raise fields.broken("size", f"{size} is not a size in bytes")
    digest = Digest.parse(
        fields.text("digest"), field=f"{fields.path}.digest".lstrip("."), document=fields.document
    )
    return Descriptor(
        media_type=fields.text("mediaType"),
        digest=digest,
        size=size,
        platform=_platform(fields.object("platform")),
        annotations=_annotations(fields),
        urls=fields.texts("urls"),
        artifact_type=fields.text("artifactType", ""),
    )


def _guess(fields: Fields) -> str:
    # image-manifest's mediaType is only a SHOULD: what it holds says what it is.
    if "manifests" in fields.value:
        return media.OCI_INDEX
    return media.OCI_MANIFEST if "layers" in fields.value else ""


def _manifest(fields: Fields, kind: str) -> Manifest:
    return Manifest(
        media_type=kind,
        config=parse_descriptor(fields.required_object("config")),
        layers=tuple(parse_descriptor(layer) for layer in fields.objects("layers", required=True)),
        annotations=_annotations(fields),
        subject=_subject(fields),
        artifact_type=fields.text("artifactType", ""),
    )


def _index(fields: Fields, kind: str) -> Index:
    return Index(
        media_type=kind,
        manifests=tuple(parse_descriptor(one) for one in fields.objects("manifests", required=True)),
        annotations=_annotations(fields),
        subject=_subject(fields),
        artifact_type=fields.text("artifactType", ""),
    )


def _subject(fields: Fields) -> Descriptor | None:
    subject = fields.object("subject")
    return parse_descriptor(subject) if subject else None


def _annotations(fields: Fields) -> tuple[tuple[str, str], ...]:
    return tuple(fields.text_map("annotations").items())


def _platform(fields: Fields | None) -> Platform | None:
    if fields is None:
        return None
    return Platform(
        os=fields.text("os"),
        architecture=fields.text("architecture"),
        variant=fields.text("variant", ""),
        os_version=fields.text("os.version", ""),
    )


def check_layers(manifest: Manifest, document: str) -> None:
    """Raise ``SpecError`` where a layer is nothing that a root file system is made of."""
    for at, layer in enumerate(manifest.layers):
        if media.layer_compression(layer.media_type) is None:
            field = f"layers[{at}].mediaType"
            reason = f'"{layer.media_type:.100}" is not a file system layer'
            hint = "it is an artifact, not an image that can run"
            raise SpecError(field, reason, hint, document=document)
