"""A pull: name to manifest, manifest to blobs, blobs to unpacked layers, then the name.

Rule: what a registry says is believed only after its digest; nothing is visible in the
store before all of it is there and unpacked, and what a failed pull has brought is
collected at once.
OCI Distribution 1.1, "Pulling manifests"; OCI image-spec, image-index.md.
"""

from __future__ import annotations

from rung.image.errors import ContentError, RegistryError
from rung.image.progress import Event
from rung.image.registry.client import Registry
from rung.image.registry.documents import verified
from rung.image.registry.download import Downloads
from rung.image.registry.refusal import unreachable
from rung.image.registry.transport import TRANSIENT
from rung.image.sign.policy_file import find_policy
from rung.image.store.blobs import DOCUMENT_LIMIT
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Index, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.registry.auth import Credentials
    from rung.image.registry.limits import Limits
    from rung.image.sign.forms import Signature
    from rung.image.store.metadata import Lease
    from rung.spec.image import Manifest, Platform, Reference

#: Indexes may hold indexes; nobody nests them deeper.
DEPTH = 3
#: Blobs that are fetched at the same time.
AT_ONCE = 3


class Found(Record):
    """What a name stands for: ``target`` as the registry has it, and the manifest that was chosen."""

    target: Descriptor
    manifest_at: Descriptor
    manifest: Manifest


class Pull:
    """One pull on its way."""

    def __init__(
        self, content: Content, registry: Registry, reference: Reference, lease: Lease, progress: Progress
    ) -> None:
        self.content = content
        self.registry = registry
        self.reference = reference
        self.lease = lease
        self.downloads = Downloads(registry, reference.path, content.blobs, progress, lasting=False)

    def resolve(self, platform: Platform) -> Found:
        """Follow indexes down to the manifest for the platform; all on the way is stored."""
        target = at = self.fetch_manifest(self.reference.target, None)
        for _ in range(DEPTH):
            parsed = self.read(at)
            if not isinstance(parsed, Index):
                return Found(target, at, parsed)
            chosen = choose_platform(parsed.manifests, platform)
            if chosen is None:
                offered = ", ".join(sorted({str(one.platform) for one in parsed.manifests if one.platform}))
                hint = f"--platform chooses one of {offered[:300]}" if offered else ""
                reason = f"has no image for {platform}"
                raise RegistryError("pull", self.reference.familiar, reason, hint)
            at = self.fetch_manifest(str(chosen.digest), chosen)
        raise SpecError("manifests", f"indexes are nested more than {DEPTH} deep", document=self.reference.familiar)

    def read(self, at: Descriptor) -> Manifest | Index:
        """A manifest that is in the store."""
        return parse_manifest(self.content.blobs.read(at.digest), at.media_type, f"manifest {self.reference.familiar}")

    def fetch_manifest(self, target: str, expected: Descriptor | None) -> Descriptor:
        """Fetch a manifest or an index by tag or digest, verify it, store it."""
        repository = self.reference.path
        document = self.registry.document(repository, f"manifests/{target}")
        name = f"{self.registry.domain}/{repository}{'@' if ':' in target else ':'}{target}"
        at = verified(document, name, target if ":" in target else "", expected)
        self.lease.hold([str(at.digest)])
        self.content.blobs.write(document.data, at.digest.algorithm, lasting=False)
        return at

    def fetch_config(self, manifest: Manifest) -> None:
        """The configuration, into the store."""
        config = manifest.config
        if config.media_type not in media.CONFIGS:
            kind = manifest.artifact_type or config.media_type
            hint = "rung image copy takes artifacts too"
            raise RegistryError("pull", self.reference.familiar, f"is no image but an artifact ({kind:.100})", hint)
        if config.size > DOCUMENT_LIMIT:
            reason = f"is said to have {config.size} bytes; at most {DOCUMENT_LIMIT} are taken"
            raise ContentError("config", str(config.digest), reason)
        self.lease.hold([str(config.digest)])
        if not self.content.blobs.has(config.digest):
            self.downloads.fetch(config, quiet=True)

    def fetch_missing(self, manifest: Manifest) -> None:
        """Layers whose blobs are not in the store, though they may be unpacked: the layout is whole."""
        for layer in manifest.layers:
            if not self.content.blobs.has(layer.digest):
                self.downloads.fetch(layer)

    def fetch_all(self, at: Descriptor) -> dict[str, list[str]]:
        """Everything below a manifest or an index, into the store: what needs what."""
        from concurrent.futures import ThreadPoolExecutor

        edges: dict[str, list[str]] = {}
        blobs: dict[str, Descriptor] = {}
        self._walk(at, 0, edges, blobs)
        self.lease.hold(blobs)
        missing = [blob for blob in blobs.values() if not self.content.blobs.has(blob.digest)]
        with ThreadPoolExecutor(AT_ONCE, "fetch") as pool:
            try:
                for done in [pool.submit(self.downloads.fetch, blob) for blob in missing]:
                    done.result()
            except BaseException:
                self.downloads.cancel()
                raise
        return edges

    def _walk(self, at: Descriptor, depth: int, edges: dict[str, list[str]], blobs: dict[str, Descriptor]) -> None:
        if depth > DEPTH:
            reason = f"indexes are nested more than {DEPTH} deep"
            raise SpecError("manifests", reason, document=self.reference.familiar)
        parsed = self.read(at)
        below = parsed.manifests if isinstance(parsed, Index) else (parsed.config, *parsed.layers)
        edges[str(at.digest)] = [str(one.digest) for one in below]
        for one in below:
            if not isinstance(parsed, Index):
                blobs[str(one.digest)] = one
            elif str(one.digest) not in edges:
                self._walk(self.fetch_manifest(str(one.digest), one), depth + 1, edges, blobs)


def pull(
    content: Content,
    reference: Reference,
    platform: Platform,
    progress: Progress,
    *,
    all_platforms: bool = False,
    insecure: bool = False,
    credentials: Credentials | None = None,
    limits: Limits | None = None,
) -> Reference:
    """Bring an image into the store and name it; the name. With ``all_platforms`` the others'
    content comes along, unpacked is only the one."""
    name: Reference = reference.replace(tag="") if reference.digest else reference
    progress(Event("", f"{reference.target}: Pulling from {_path(reference)}"))
    with Registry(reference.domain, insecure=insecure, credentials=credentials, limits=limits) as registry:
        try:
            with content.metadata.lease(f"pull {reference}") as lease:
                _pull(Pull(content, registry, reference, lease, progress), name, platform, progress, all_platforms)
        except TRANSIENT as error:
            content.collect()
            raise unreachable(registry.domain, error) from error
        except Exception:
            content.collect()
            raise
    return name


def _pull(it: Pull, name: Reference, platform: Platform, progress: Progress, all_platforms: bool) -> None:
    content = it.content
    try:
        found = it.resolve(platform)
        signatures = _admit(it, found)
        it.fetch_config(found.manifest)
        config = content.config(found.manifest)
        if config.platform.serves(platform) is None:
            progress(Event("", f"note: the image is for {config.platform}, not for {platform}"))
        it.lease.hold([str(layer.digest) for layer in found.manifest.layers])
        content.unpack(found.manifest, config, it.lease, progress, it.downloads)
        it.fetch_missing(found.manifest)
        edges = it.fetch_all(found.target) if all_platforms else {}
        content.blobs.sync_names()
        with content.metadata.transaction() as change:
            for parent, children in edges.items():
                change.add_edges(parent, children)
        digest_name = f"{name.name}@{found.target.digest}"
        content.publish(str(name), found.target, found.manifest_at, found.manifest, config, digest_name)
        if signatures:
            _keep(content, found, signatures)
    except Exception as error:
        first = it.downloads.first_error
        if first is not None and first is not error:
            raise first from error
        raise


def _admit(it: Pull, found: Found) -> list[Signature]:
    """Whether the policy lets the image in, before any of its layers is fetched; the signatures it is in for."""
    rules = find_policy()
    if rules is None:
        return []
    from rung.image.sign.admission import Candidate, admit
    from rung.image.sign.attached import Repository

    digests = tuple(dict.fromkeys((found.target.digest, found.manifest_at.digest)))
    repository = Repository(it.reference, registry=it.registry)
    return admit(rules, Candidate("docker", it.reference.familiar, digests, it.reference), repository.signatures)


def _keep(content: Content, found: Found, signatures: list[Signature]) -> None:
    """Keep the signatures with the image: each is about one of its digests."""
    from rung.image.sign.admission import keep

    for subject in {found.target.digest: found.target, found.manifest_at.digest: found.manifest_at}.values():
        keep(content, subject, signatures)


def _path(reference: Reference) -> str:
    return reference.path if reference.domain == "docker.io" else reference.name
