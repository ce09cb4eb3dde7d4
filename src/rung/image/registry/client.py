"""A registry: the addresses behind its name, documents with their types and digests, lists.

Rule: mirrors are asked in order and only for reading; whatever a mirror answers, the last
word is the registry's own. Nothing here is believed because of who said it.
OCI Distribution 1.1: "Pulling manifests", "Listing tags"; containerd's docs/hosts.md.
"""

from __future__ import annotations

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry import logins
from rung.image.registry.auth import Credentials, pull_scope, push_scope
from rung.image.registry.host import Host
from rung.image.registry.hosts import PULL, PUSH, RESOLVE, endpoints
from rung.image.registry.limits import Limits
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import Tries, refusal
from rung.image.registry.transport import TRANSIENT, Transport
from rung.record import Record
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from rung.image.registry.transport import Body, Response

ACCEPT = ", ".join((*media.INDEXES, *media.MANIFESTS))


class Document(Record):
    """What a registry answered: ``media_type`` and ``digest`` as it said them, empty where it did not."""

    data: bytes
    media_type: str
    digest: str


class Registry:
    """The registry behind a reference's domain. Safe to use from several threads. A context."""

    def __init__(
        self,
        domain: str,
        *,
        insecure: bool = False,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.domain = domain
        self.limits = limits or Limits()
        self._transport = Transport(self.limits)
        login = logins.find if credentials is None else lambda _: credentials
        self.hosts = [
            Host(endpoint, domain, self._transport, self.limits, login)
            for endpoint in endpoints(domain, insecure=insecure)
        ]

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def origin(self) -> Host:
        """The registry itself."""
        return self.hosts[-1]

    # --- reading -------------------------------------------------------------------------

    def get(self, repository: str, path: str, headers: Mapping[str, str], pace: Pace) -> Response:
        """``GET /v2/REPOSITORY/PATH``: an answer of status 200 or 206. Raises ``RegistryError``;
        ``TRANSIENT`` errors of the registry itself pass, for the caller to try again."""
        return self._read("GET", repository, path, headers, pace)

    def _read(self, method: str, repository: str, path: str, headers: Mapping[str, str], pace: Pace) -> Response:
        wanted = RESOLVE if path.startswith(("manifests/", "tags/", "referrers/")) else PULL
        hosts = [host for host in self.hosts if wanted in host.endpoint.capabilities] or [self.origin]
        for host in hosts:
            try:
                return self._ask(host, method, repository, path, headers, pace)
            except (RegistryError, *TRANSIENT):
                if host is hosts[-1]:
                    raise
                pace.rest()
        raise AssertionError("unreachable")

    def _ask(
        self, host: Host, method: str, repository: str, path: str, headers: Mapping[str, str], pace: Pace
    ) -> Response:
        response = host.request(method, f"{repository}/{path}", [pull_scope(repository)], headers, pace)
        if response.status in (200, 206):
            return response
        with response:
            name = f"{host.name}/{_subject(repository, path)}"
            raise refusal(response, host.name, name, is_logged_in=host.is_logged_in)

    def _tries(self, name: str) -> Tries:
        pause = self.limits.cancellation.pause
        return Tries(self.limits, name, pause, final=(TimeoutError, ConnectionRefusedError))

    def document(
        self, repository: str, path: str, accept: str = ACCEPT, *, limit: int = 0
    ) -> Document:
        """A whole document; tried again where that may help."""
        limit = limit or self.limits.manifest_bytes
        tries = self._tries(self.domain)
        while True:
            pace = Pace(self.limits, self.limits.document_s)
            try:
                with self.get(repository, path, {"Accept": accept}, pace) as response:
                    data = response.read_all(limit)
                    break
            except (RegistryError, *TRANSIENT) as error:
                tries.again(error)
        if data is None:
            name = f"{self.domain}/{_subject(repository, path)}"
            raise RegistryError("registry", name, f"is larger than a manifest may be ({limit} bytes)")
        kind = response.header("Content-Type").split(";")[0].strip()
        return Document(data, kind, response.header("Docker-Content-Digest").strip())

    def head(self, repository: str, path: str) -> tuple[str, int]:
        """``HEAD``: the digest and the size that are said of a blob or manifest (empty, negative where not)."""
        headers = {"Accept": ACCEPT} if path.startswith("manifests/") else {}
        tries = self._tries(self.domain)
        while True:
            try:
                pace = Pace(self.limits, self.limits.document_s)
                with self._read("HEAD", repository, path, headers, pace) as response:
                    size = response.header("Content-Length")
                    return response.header("Docker-Content-Digest"), int(size) if size.isdigit() else -1
            except (RegistryError, *TRANSIENT) as error:
                tries.again(error)

    def elsewhere(self, url: str, headers: Mapping[str, str], pace: Pace) -> Response:
        """Get a foreign layer from where its descriptor says (image-spec, descriptor.md, ``urls``)."""
        response = self.origin.elsewhere(url, headers, pace)
        if response.status in (200, 206):
            return response
        with response:
            raise refusal(response, url[:200], url[:200], is_logged_in=False)

    def has(self, repository: str, path: str) -> bool:
        """``HEAD``: whether a blob or manifest is in the registry itself."""
        headers = {"Accept": ACCEPT} if path.startswith("manifests/") else {}
        with self.send("HEAD", repository, f"{repository}/{path}", headers, (200, 404)) as response:
            return response.status == 200

    def pages(self, repository: str, path: str, name: str, accept: str = "application/json") -> Iterator[Any]:
        """The items of a list that comes in pages, field ``name`` of each (OCI Distribution, "Listing tags")."""
        for _ in range(self.limits.pages):
            document, more = self._page(repository, path, accept)
            items = document.get(name, []) if isinstance(document, dict) else document
            if not isinstance(document, dict) or not isinstance(items, list | None):
                raise RegistryError("registry", self.domain, f"gives a list without {name}")
            yield from items or ()
            if not more or more == path:
                return
            path = more
        raise RegistryError("registry", self.domain, f"gives a list of more than {self.limits.pages} pages")

    def _page(self, repository: str, path: str, accept: str) -> tuple[Any, str]:
        scopes = [pull_scope(repository)] if repository else ["registry:catalog:*"]
        response = self.send_to(self.origin, "GET", path, scopes, {"Accept": accept}, (200,), object=path)
        with response:
            data = response.read_all(self.limits.manifest_bytes)
            link = response.header("Link")
        if data is None:
            reason = f"gives a list of more than {self.limits.manifest_bytes} bytes at once"
            raise RegistryError("registry", self.domain, reason)
        try:
            document = jsonc.loads(data)
        except ValueError as error:
            raise RegistryError("registry", self.domain, f"gives a list that is not JSON: {error}") from None
        target, _, relation = link.partition(">")
        if not target.startswith("<") or "next" not in relation:
            return document, ""
        from urllib.parse import urljoin, urlsplit

        url = self.origin.checked(urljoin(self.origin.url(path), target[1:]), "goes on at")
        parts = urlsplit(url)
        if parts.netloc != self.origin.endpoint.host:
            raise RegistryError("registry", self.domain, f"goes on at another host, {parts.netloc[:100]!r}")
        return document, url

    # --- writing -------------------------------------------------------------------------

    def send(
        self,
        method: str,
        repository: str,
        path: str,
        headers: Mapping[str, str],
        wanted: Sequence[int],
        *,
        body: Body | None = None,
        mount_from: str = "",
        pace: Pace | None = None,
    ) -> Response:
        """A request to the registry itself with the right to push, answered with a status of ``wanted``.
        ``path`` is behind ``/v2/``, or a whole URL that the registry gave."""
        scopes = [push_scope(repository), *([pull_scope(mount_from)] if mount_from else [])]
        host = next((one for one in reversed(self.hosts) if PUSH in one.endpoint.capabilities), self.origin)
        return self.send_to(
            host, method, path, scopes, headers, wanted, body=body, pace=pace, object=f"{host.name}/{repository}"
        )

    def send_to(
        self,
        host: Host,
        method: str,
        path: str,
        scopes: Sequence[str],
        headers: Mapping[str, str],
        wanted: Sequence[int],
        *,
        body: Body | None = None,
        pace: Pace | None = None,
        object: str = "",
    ) -> Response:
        """As ``send``, to one host. Tried again where nothing was asked to be changed."""
        tries = self._tries(host.name)
        while True:
            own = pace or Pace(self.limits, self.limits.document_s)
            try:
                response = host.request(method, path, scopes, headers, own, body=body)
                if response.status in wanted:
                    return response
                with response:
                    raise refusal(response, host.name, object or host.name, is_logged_in=host.is_logged_in)
            except (RegistryError, *TRANSIENT) as error:
                if pace is not None:
                    raise  # a blob: who sends it knows how to go on
                tries.again(error)


def _subject(repository: str, path: str) -> str:
    """What a request is about, as people write it: ``NAME:TAG`` or ``NAME@DIGEST``."""
    target = path.partition("/")[2].partition("?")[0]
    return f"{repository}{'@' if ':' in target else ':'}{target}"
