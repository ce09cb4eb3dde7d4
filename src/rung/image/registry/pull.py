"""A pull: name to manifest, manifest to blobs, blobs to unpacked layers, then the name.

Rule: what a registry says is believed only after its digest; nothing is visible in the
store before all of it is there and unpacked, and what a failed pull has brought is
collected at once.
OCI Distribution 1.1, "Pulling manifests"; OCI image-spec, image-index.md.
"""

from __future__ import annotations

from http.client import HTTPException
from time import sleep

from rung.image.errors import ContentError, RegistryError
from rung.image.progress import Event
from rung.image.registry.client import Registry, unreachable
from rung.image.registry.download import Downloads
from rung.image.registry.http import TRANSIENT, Pace
from rung.image.store.blobs import DOCUMENT_LIMIT
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, Index, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.registry.limits import Limits
    from rung.image.store.metadata import Lease
    from rung.spec.image import Manifest, Platform, Reference

_ACCEPT = ", ".join((*media.INDEXES, *media.MANIFESTS))
#: Indexes may hold indexes; nobody nests them deeper.
_DEPTH = 3


class Found(Record):
    """What a name stands for: ``target`` as the registry has it, and the manifest that was chosen."""

    target: Descriptor
    manifest_at: Descriptor
    manifest: Manifest


def pull(
    content: Content,
    reference: Reference,
    platform: Platform,
    progress: Progress,
    *,
    insecure: bool = False,
    limits: Limits | None = None,
) -> Reference:
    """Bring an image into the store and name it; the name."""
    name = reference.replace(tag="") if reference.digest else reference
    registry = Registry(reference.domain, insecure=insecure, limits=limits)
    progress(Event("", f"{reference.target}: Pulling from {_path(reference)}"))
    downloads = Downloads(registry, reference.path, content.blobs, progress)
    try:
        with content.metadata.lease(f"pull {reference}") as lease:
            found = _resolve(content, registry, reference, platform, lease)
            _fetch_config(content, downloads, found, lease)
            config = content.config(found.manifest)
            if config.platform.serves(platform) is None:
                progress(Event("", f"note: the image is for {config.platform}, not for {platform}"))
            lease.hold([str(layer.digest) for layer in found.manifest.layers])
            content.unpack(found.manifest, config, lease, progress, downloads)
            _fetch_kept(downloads, found)
            content.publish(str(name), found.target, found.manifest_at, found.manifest, config)
    except (OSError, HTTPException) as error:
        content.collect()
        raise unreachable(registry.domain, error) from error
    except Exception as error:
        content.collect()
        if downloads.first_error is not None and downloads.first_error is not error:
            raise downloads.first_error from error
        raise
    return name


def _path(reference: Reference) -> str:
    return reference.path if reference.domain == "docker.io" else reference.name


def _resolve(
    content: Content, registry: Registry, reference: Reference, platform: Platform, lease: Lease
) -> Found:
    """Follow indexes down to the manifest for the platform; all on the way is stored."""
    target = at = _manifest(content, registry, reference.path, reference.target, None, lease)
    for _ in range(_DEPTH):
        parsed = parse_manifest(content.blobs.read(at.digest), at.media_type, f"manifest {reference.familiar}")
        if not isinstance(parsed, Index):
            return Found(target, at, parsed)
        chosen = choose_platform(parsed.manifests, platform)
        if chosen is None:
            offered = ", ".join(sorted({str(one.platform) for one in parsed.manifests if one.platform}))
            reason = f"has no image for {platform}"
            hint = f"--platform chooses one of {offered[:300]}" if offered else ""
            raise RegistryError("pull", reference.familiar, reason, hint)
        at = _manifest(content, registry, reference.path, str(chosen.digest), chosen, lease)
    raise SpecError("manifests", f"indexes are nested more than {_DEPTH} deep", document=reference.familiar)


def _manifest(
    content: Content,
    registry: Registry,
    repository: str,
    target: str,
    expected: Descriptor | None,
    lease: Lease,
) -> Descriptor:
    """Fetch a manifest or an index by tag or digest, verify it, store it."""
    data, said_type, said_digest = _fetch_manifest(registry, repository, target)
    wanted = target if ":" in target else said_digest
    digest = Digest.parse(wanted, document=f"digest of {repository}") if wanted else Digest.of(data)
    if not digest.matches(data):
        actual = Digest.of(data, digest.algorithm)
        raise ContentError("manifest", f"{registry.domain}/{repository}@{digest}", f"has the digest {actual}")
    if expected is not None and expected.size != len(data):
        reason = f"has {len(data)} bytes, its index says {expected.size}"
        raise ContentError("manifest", f"{registry.domain}/{repository}@{digest}", reason)
    parsed = parse_manifest(data, expected.media_type if expected else said_type, f"manifest {repository}:{target}")
    lease.hold([str(digest)])
    content.blobs.write(data, digest.algorithm)
    return Descriptor(parsed.media_type, digest, len(data))


def _fetch_manifest(registry: Registry, repository: str, target: str) -> tuple[bytes, str, str]:
    limits = registry.limits
    for attempt in range(limits.attempts):
        pace = Pace(limits, limits.document_s)
        try:
            with registry.get(repository, f"manifests/{target}", {"Accept": _ACCEPT}, pace) as response:
                data = response.read_all(limits.manifest_bytes)
                kind = response.header("Content-Type").split(";")[0].strip()
                digest = response.header("Docker-Content-Digest").strip()
        except TRANSIENT as error:
            if attempt == limits.attempts - 1 or isinstance(error, TimeoutError):
                raise unreachable(registry.domain, error) from error
        except RegistryError as error:
            if error.status not in (500, 502, 503, 504) or attempt == limits.attempts - 1:
                raise
        else:
            if data is None:
                reason = f"is larger than a manifest may be ({limits.manifest_bytes} bytes)"
                raise RegistryError("manifest", f"{registry.domain}/{repository}:{target}", reason)
            known = kind in media.MANIFESTS + media.INDEXES or "manifest" in kind
            return data, kind if known else "", digest
        sleep(limits.backoff_s * 2**attempt)
    raise AssertionError("unreachable")


def _fetch_config(content: Content, downloads: Downloads, found: Found, lease: Lease) -> None:
    config = found.manifest.config
    if config.size > DOCUMENT_LIMIT:
        reason = f"is said to have {config.size} bytes; at most {DOCUMENT_LIMIT} are taken"
        raise ContentError("config", str(config.digest), reason)
    lease.hold([str(config.digest)])
    if not content.blobs.has(config.digest):
        downloads.fetch(config, quiet=True)


def _fetch_kept(downloads: Downloads, found: Found) -> None:
    """Blobs of layers that were unpacked already but are not here any more: the layout is whole."""
    for layer in found.manifest.layers:
        if not downloads.blobs.has(layer.digest):
            downloads.fetch(layer)

