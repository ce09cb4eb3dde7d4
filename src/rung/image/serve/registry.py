"""The registry without its sockets: a request in, an ``Answer`` out.

Rule: this is the table of what may be done to what; how stands in the endpoint's module.
"""

from __future__ import annotations

from rung.image.serve import blobs, lists, manifests, pushes
from rung.image.serve.answers import JSON, Answer, Refusal
from rung.image.serve.catalogue import Catalogue
from rung.image.serve.route import parse_target
from rung.image.serve.uploads import Uploads
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from rung.http1.head import Request
    from rung.image.content import Content
    from rung.image.serve.catalogue import ManifestRow
    from rung.image.serve.proxy import Upstream
    from rung.image.serve.route import Call

    class Body(Protocol):
        """A request's body, still to come. ``length`` in bytes is None where it is not said."""

        length: int | None

        def chunks(self) -> Iterator[bytes]:
            """The body as it comes."""
            ...

        def read(self, limit: int) -> bytes | None:
            """All of it, or None where it is longer than ``limit``."""
            ...


class Rules(Record):
    """What clients may do."""

    read_only: bool = False
    delete: bool = False
    #: Manifests may name what is not here.
    sparse: bool = False


#: endpoint -> methods, for Allow (RFC 9110 section 10.2.1).
_METHODS = {
    "base": ("GET", "HEAD"),
    "catalog": ("GET", "HEAD"),
    "tags": ("GET", "HEAD"),
    "referrers": ("GET", "HEAD"),
    "manifest": ("GET", "HEAD", "PUT", "DELETE"),
    "blob": ("GET", "HEAD", "DELETE"),
    "uploads": ("POST",),
    "upload": ("GET", "HEAD", "PATCH", "PUT", "DELETE"),
}
_READING = ("GET", "HEAD")


class Registry:
    """The repositories over one store. Safe to use from several threads and processes."""

    def __init__(self, content: Content, rules: Rules, upstream: Upstream | None = None) -> None:
        self.content = content
        self.rules = rules
        self.upstream = upstream
        self.catalogue = Catalogue(content.metadata)
        self.uploads = Uploads(content.blobs)

    def close(self) -> None:
        """Close what is open."""
        if self.upstream is not None:
            self.upstream.close()
        self.catalogue.close()

    def answer(self, request: Request, body: Body) -> Answer:
        """Carry out a request. Raises ``Refusal``."""
        call = parse_target(request.target)
        self._check(call, request.method)
        reading = request.method in _READING
        answer = self._read(call, request) if reading else self._write(call, request, body)
        return answer.without_body() if request.method == "HEAD" else answer

    def manifest(self, call: Call) -> ManifestRow:
        """The manifest that a call names. Raises ``Refusal``."""
        if self.upstream is not None:
            row = self.upstream.refresh(self, call)
        else:
            row = self.catalogue.manifest(call.name, call.digest or call.tag)
        if row is None:
            raise manifests.unknown(call)
        return row

    def _check(self, call: Call, method: str) -> None:
        allowed = _METHODS[call.endpoint]
        if self.rules.read_only or self.upstream:
            allowed = tuple(each for each in allowed if each in _READING)
        if not self.rules.delete and call.endpoint != "upload":
            allowed = tuple(each for each in allowed if each != "DELETE")
        if method not in allowed:
            headers = (("Allow", ", ".join(allowed)),)
            raise Refusal("UNSUPPORTED", f"{method[:20]} is not allowed here", headers=headers)

    def _read(self, call: Call, request: Request) -> Answer:
        match call.endpoint:
            case "base":
                return Answer(200, (JSON,), b"{}\n")
            case "catalog":
                return lists.repositories(self, call)
            case "tags":
                return lists.tags(self, call)
            case "referrers":
                return lists.referrers(self, call)
            case "manifest":
                return manifests.get(self, call, request)
            case "blob":
                return blobs.get(self, call, request)
            case _:
                return pushes.status(self, call)

    def _write(self, call: Call, request: Request, body: Body) -> Answer:
        match call.endpoint, request.method:
            case "uploads", _:
                return pushes.begin(self, call, body)
            case "upload", "PATCH":
                return pushes.append(self, call, request, body)
            case "upload", "PUT":
                return pushes.finish(self, call, request, body)
            case "upload", _:
                return pushes.cancel(self, call)
            case "manifest", "PUT":
                return manifests.put(self, call, request, body)
            case "manifest", _:
                return manifests.delete(self, call)
            case _:
                return blobs.delete(self, call)
