"""A cache of another registry, filled as it is asked: ``rung registry serve --proxy URL``.

Rule: what has a digest is asked for once and kept. What a tag stands for is asked again when
the answer is older than ``FRESH_S``, by HEAD, which costs nobody's rate limit; when the registry
cannot be reached, the last answer is given.
OCI Distribution 1.1, "Registry Proxying".
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

from rung.image.errors import ContentError, RegistryError
from rung.image.progress import silent
from rung.image.registry.client import Registry as Origin
from rung.image.registry.documents import verified
from rung.image.registry.download import Downloads
from rung.image.registry.transport import TRANSIENT
from rung.image.serve import blobs, manifests
from rung.image.serve.answers import Answer, Growing, Refusal
from rung.image.serve.follow import Download
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.http1.head import Request
    from rung.image.registry.limits import Limits
    from rung.image.serve.catalogue import ManifestRow
    from rung.image.serve.registry import Registry
    from rung.image.serve.route import Call

FRESH_S = 30.0
_STATUS = {401: "DENIED", 403: "DENIED", 429: "TOOMANYREQUESTS"}


class Upstream:
    """The registry behind the cache. Safe to use from several threads."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise RegistryError("proxy", url, "is no registry's address", "https://registry-1.docker.io")
        domain = "docker.io" if parts.hostname in ("registry-1.docker.io", "docker.io") else parts.netloc
        self._origin = Origin(domain, insecure=parts.scheme == "http", limits=limits)
        self._downloads: dict[tuple[str, Digest], Download] = {}
        self._checked: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._origin.close()

    # --- manifests -------------------------------------------------------------------

    def refresh(self, registry: Registry, call: Call) -> ManifestRow | None:
        """The manifest as the other registry has it; None where it has none."""
        held = registry.catalogue.manifest(call.name, call.digest or call.tag)
        if held is not None and (call.digest or self._is_fresh(call)):
            return held
        try:
            if held is not None and self._origin.head(call.name, f"manifests/{call.tag}")[0] == held.digest:
                self._checked[call.name, call.tag] = time.monotonic()
                return held
            self._fetch_manifest(registry, call)
        except (RegistryError, *TRANSIENT) as error:
            if getattr(error, "status", 0) == 404:
                return None
            if held is not None:
                return held
            raise _refusal(error) from error
        except (ContentError, SpecError) as error:
            raise Refusal("UNAVAILABLE", f"the registry behind this one: {error}") from error
        return registry.catalogue.manifest(call.name, call.digest or call.tag)

    def _is_fresh(self, call: Call) -> bool:
        checked = self._checked.get((call.name, call.tag))
        return checked is not None and time.monotonic() - checked < FRESH_S

    def _fetch_manifest(self, registry: Registry, call: Call) -> None:
        asked = str(call.digest or call.tag)
        document = self._origin.document(call.name, f"manifests/{asked}")
        at = verified(document, f"{call.name}@{asked}", str(call.digest or ""))
        parsed = parse_manifest(document.data, at.media_type, "the manifest")
        row = manifests.row_of(parsed, at.digest, at.size)
        needed = [str(one.digest) for one in manifests.needed(parsed)]
        with (
            manifests.Written(registry, document.data) as file,
            registry.content.metadata.transaction() as change,
        ):
            file.adopt(at.digest)
            tags = [call.tag] if call.tag else []
            registry.catalogue.link_manifest(change, call.name, row, needed, tags)
        self._checked[call.name, call.tag] = time.monotonic()

    # --- blobs -----------------------------------------------------------------------

    def blob(self, registry: Registry, call: Call, request: Request) -> Answer:
        """A blob that this registry does not have yet."""
        digest = call.wanted
        try:
            _, size = self._origin.head(call.name, f"blobs/{digest}")
            if size < 0:
                raise Refusal("UNAVAILABLE", "the registry behind this one does not say how long the blob is")
            shown = blobs.window(request, digest, size)
            if request.method == "HEAD":
                return Answer(shown.status, shown.headers, length=size)
            download = self._download(registry, call.name, digest, size)
            download.begun()
            file = registry.content.blobs.open_part(digest)
        except (RegistryError, *TRANSIENT) as error:
            if getattr(error, "status", 0) == 404:
                raise blobs.unknown(digest) from error
            raise _refusal(error) from error
        except ContentError as error:
            raise Refusal("UNAVAILABLE", f"the registry behind this one: {error}") from error
        return Answer(shown.status, shown.headers, Growing(file, download, shown.start, shown.end))

    def _download(self, registry: Registry, name: str, digest: Digest, size: int) -> Download:
        def fetch(download: Download) -> None:
            try:
                self._fetch_blob(
                    registry, name, Descriptor("application/octet-stream", digest, size), download
                )
            finally:
                with self._lock:
                    self._downloads.pop((name, digest), None)

        with self._lock:
            download = self._downloads.get((name, digest))
            if download is None:
                download = self._downloads[name, digest] = Download(size)
                download.start(fetch)
            return download

    def _fetch_blob(self, registry: Registry, name: str, blob: Descriptor, download: Download) -> None:
        metadata = registry.content.metadata
        with metadata.lease("registry proxy") as lease:
            lease.hold([str(blob.digest)])
            Downloads(self._origin, name, registry.content.blobs, silent).fetch(blob, download)
            with metadata.transaction() as change:
                registry.catalogue.link_blob(change, name, blob.digest)

    # --- lists -----------------------------------------------------------------------

    def tags(self, name: str) -> list[str] | None:
        """All tags of a repository; None where there is no such repository, or nobody to ask."""
        try:
            return sorted(map(str, self._origin.pages(name, f"{name}/tags/list", "tags")))
        except (RegistryError, *TRANSIENT):
            return None

    def referrers(self, call: Call) -> bytes | None:
        """The index of a manifest's referrers; None where it cannot be had."""
        try:
            return self._origin.document(call.name, f"referrers/{call.wanted}").data
        except (RegistryError, *TRANSIENT):
            return None


def _refusal(error: BaseException) -> Refusal:
    code = _STATUS.get(getattr(error, "status", 0), "UNAVAILABLE")
    return Refusal(code, f"the registry behind this one: {error}")
