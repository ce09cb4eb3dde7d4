"""Manifests into a registry, and what refers to one there.

OCI Distribution 1.1, "Pushing manifests", "Listing referrers" and "Referrers tag schema":
a registry without the referrers API keeps the list in an index that is tagged with the
subject's digest, and whoever pushes a referrer keeps that index up to date.
"""

from __future__ import annotations

from urllib.parse import quote

from rung import jsonc
from rung.image.errors import ContentError, RegistryError
from rung.image.registry.documents import verified
from rung.image.registry.transport import Bytes
from rung.spec.image import Descriptor, Digest, Index, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.registry.client import Registry
    from rung.spec.image import Manifest

_NO_API = (400, 404, 405, 501)


def get(registry: Registry, repository: str, target: str) -> tuple[Descriptor, bytes]:
    """A manifest or an index, by tag or digest."""
    document = registry.document(repository, f"manifests/{target}")
    is_digest = ":" in target
    name = f"{registry.domain}/{repository}{'@' if is_digest else ':'}{target}"
    return verified(document, name, target if is_digest else ""), document.data


def put(registry: Registry, repository: str, target: str, data: bytes, media_type: str) -> Digest:
    """Push a manifest or an index under a tag or its digest; everything it names must be there."""
    parsed = parse_manifest(data, media_type)
    path = f"{repository}/manifests/{target}"
    headers = {"Content-Type": parsed.media_type}
    with registry.send("PUT", repository, path, headers, (201, 200, 202), body=Bytes(data)) as response:
        said = response.header("Docker-Content-Digest")
        knows_subject = bool(response.header("OCI-Subject"))
    digest = Digest.parse(target) if ":" in target else Digest.of(data)
    if said:
        stored = Digest.parse(said, document=f"digest of {path}")
        if not stored.matches(data):
            raise ContentError("push", f"{registry.domain}/{path}", f"the registry has it as {stored}")
        digest = stored
    if parsed.subject and not knows_subject:
        _refer(registry, repository, parsed.subject.digest, _as_referrer(parsed, digest, len(data)))
    return digest


def delete(registry: Registry, repository: str, target: str) -> None:
    """Delete a tag or a manifest."""
    registry.send("DELETE", repository, f"{repository}/manifests/{target}", {}, (202, 200, 204)).close()


def referrers(registry: Registry, repository: str, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
    """What refers to a manifest (signatures, bills of material), of one type or of all."""
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    path = f"{repository}/referrers/{subject}{query}"
    try:
        found = list(registry.pages(repository, path, "manifests", media.OCI_INDEX))
    except RegistryError as error:
        if error.status not in _NO_API:
            raise
        _, found = _tagged(registry, repository, subject)
    index = jsonc.dumps({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": found}).encode()
    parsed = parse_manifest(index, media.OCI_INDEX, f"referrers of {subject}")
    assert isinstance(parsed, Index)
    # A registry need not filter ("OCI-Filters-Applied").
    return [one for one in parsed.manifests if not artifact_type or one.artifact_type == artifact_type]


def fallback_tag(subject: Digest) -> str:
    """``sha256-...``: "Referrers tag schema"."""
    return f"{subject.algorithm[:32]}-{subject.hex[:64]}"


def _tagged(registry: Registry, repository: str, subject: Digest) -> tuple[dict[str, Any], list[Any]]:
    """The index under the fallback tag, and its list; an empty one where there is none."""
    empty: dict[str, Any] = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": []}
    try:
        _, data = get(registry, repository, fallback_tag(subject))
    except RegistryError as error:
        if error.status == 404:
            return empty, empty["manifests"]
        raise
    document = jsonc.loads(data)
    found = document.get("manifests")
    if not isinstance(found, list):
        raise RegistryError("registry", registry.domain, f"has a tag {fallback_tag(subject)} that is no index")
    return document, found


def _refer(registry: Registry, repository: str, subject: Digest, referrer: dict[str, Any]) -> None:
    document, found = _tagged(registry, repository, subject)
    if any(isinstance(one, dict) and one.get("digest") == referrer["digest"] for one in found):
        return
    found.append(referrer)
    put(registry, repository, fallback_tag(subject), jsonc.dumps(document).encode(), media.OCI_INDEX)


def _as_referrer(manifest: Manifest | Index, digest: Digest, size: int) -> dict[str, Any]:
    """"Each descriptor is of an image or index manifest that has the digest in its subject"."""
    config_type = "" if isinstance(manifest, Index) else manifest.config.media_type
    kind = manifest.artifact_type or config_type
    annotations = manifest.annotations
    at = Descriptor(manifest.media_type, digest, size, annotations=annotations, artifact_type=kind)
    return at.to_json()
