"""A registry as an end of a copy (``docker://``)."""

from __future__ import annotations

from rung.image.progress import MOUNTED, PUSHED, PUSHING
from rung.image.registry import manifests
from rung.image.registry.blob import RemoteBlob
from rung.image.registry.client import Registry
from rung.image.registry.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.image.registry.auth import Credentials
    from rung.image.registry.limits import Limits
    from rung.image.registry.upload import Open, Stream
    from rung.spec.image import Descriptor, Digest, Reference


class RegistrySource:
    """An image or artifact in a registry."""

    def __init__(self, reference: Reference, *, insecure: bool = False, limits: Limits | None = None) -> None:
        self.reference = reference
        self.registry = Registry(reference.domain, insecure=insecure, limits=limits)

    def root(self) -> tuple[Descriptor, bytes]:
        """By tag or digest."""
        return manifests.get(self.registry, self.reference.path, self.reference.target)

    def manifest(self, at: Descriptor) -> bytes | None:
        """By digest."""
        return self.registry.document(self.reference.path, f"manifests/{at.digest}").data

    def open(self, blob: Descriptor, offset: int) -> Stream:
        """A stream that goes on where a connection breaks."""
        return RemoteBlob(self.registry, self.reference.path, blob, self.registry.limits.cancellation.pause, offset)

    def origins(self, blob: Descriptor) -> Sequence[str]:
        """Where we read it."""
        return (self.reference.name,)

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """From the referrers API, or from the fallback tag."""
        return manifests.referrers(self.registry, self.reference.path, subject)

    def close(self) -> None:
        """Close the connections."""
        self.registry.close()


class RegistryDestination:
    """A repository, and the tag in it; with a digest for a reference, no tag."""

    at_once = 3
    moving = PUSHING

    def __init__(
        self,
        reference: Reference,
        *,
        insecure: bool = False,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.reference = reference
        self.registry = Registry(reference.domain, insecure=insecure, credentials=credentials, limits=limits)

    def has(self, blob: Descriptor) -> bool:
        """Asked with HEAD."""
        return self.registry.has(self.reference.path, f"blobs/{blob.digest}")

    def put(self, blob: Descriptor, open: Open, origins: Sequence[str], sent: Callable[[int], None]) -> str:
        """Mount it if another repository of this registry has it, else send it; the registry verifies."""
        path = self.reference.path
        here = [name.removeprefix(f"{self.reference.domain}/") for name in origins]
        known = [one for name, one in zip(origins, here) if name != one and one != path]
        upload = Upload(self.registry, path, blob, open, sent, self.registry.limits.cancellation.pause)
        is_mounted = upload.run(known[0] if known else "")
        return f"{MOUNTED} {known[0]}" if is_mounted else PUSHED

    def put_manifest(self, at: Descriptor, data: bytes) -> None:
        """By digest."""
        if not self.registry.has(self.reference.path, f"manifests/{at.digest}"):
            manifests.put(self.registry, self.reference.path, str(at.digest), data, at.media_type)

    def name(self, at: Descriptor, data: bytes) -> None:
        """By tag."""
        target = self.reference.tag or str(at.digest)
        manifests.put(self.registry, self.reference.path, target, data, at.media_type)

    def close(self, *, failed: bool) -> None:
        """Close the connections."""
        self.registry.close()
