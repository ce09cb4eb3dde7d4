"""Blobs: fetched whole or in part, mounted, deleted.

OCI Distribution 1.1, "Pulling blobs", "Mounting a blob from another repository", "Deleting Blobs".
"""

from __future__ import annotations

from rung.http1.ranges import Part, Unsatisfiable, is_known, part_of
from rung.image.errors import ContentError
from rung.image.serve.answers import OCTETS, Answer, FilePart, Refusal
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.http1.head import Request
    from rung.image.serve.registry import Registry
    from rung.image.serve.route import Call
    from rung.spec.image import Digest


class Window(Record):
    """How a request for a blob is answered: bytes ``start`` to ``end`` of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    start: int
    end: int


def window(request: Request, digest: Digest, size: int) -> Window:
    """What of a blob of ``size`` bytes is sent. Raises ``Refusal`` with 416."""
    etag = f'"{digest}"'
    headers = (
        OCTETS,
        ("Docker-Content-Digest", str(digest)),
        ("ETag", etag),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "max-age=31536000, immutable"),
    )
    if is_known(request, etag):
        return Window(304, headers, 0, 0)
    # RFC 9110 section 14.2: "A server MUST ignore a Range header field received with a request method
    # that is unrecognized or for which range handling is not defined": for all but GET.
    asked = part_of(request, size, etag) if request.method == "GET" else None
    if isinstance(asked, Unsatisfiable):
        said = (("Content-Range", f"bytes */{size}"),)
        raise Refusal("SIZE_INVALID", f"the blob has {size} bytes", status=416, headers=said)
    if isinstance(asked, Part):
        said = (("Content-Range", f"bytes {asked.start}-{asked.end - 1}/{size}"),)
        return Window(206, (*headers, *said), asked.start, asked.end)
    return Window(200, headers, 0, size)


def get(registry: Registry, call: Call, request: Request) -> Answer:
    """A blob, or the part of it that is asked for."""
    file = _file(registry, call)
    if file is None:
        if registry.upstream is not None:
            return registry.upstream.blob(registry, call, request)
        raise unknown(call.wanted)
    try:
        shown = window(request, call.wanted, file.seek(0, 2))
    except BaseException:
        file.close()
        raise
    return Answer(shown.status, shown.headers, FilePart(file, shown.start, shown.end))


def _file(registry: Registry, call: Call) -> BinaryIO | None:
    if not registry.catalogue.has_blob(call.name, call.wanted):
        return None
    try:
        return registry.content.blobs.open(call.wanted)
    except ContentError:
        return None


def mount(registry: Registry, call: Call, digest: Digest, source: str) -> Answer | None:
    """Link another repository's blob; None where there is none to link. Who may write here may read
    everything here, so a client that names no source is given the blob from wherever it is."""
    with registry.content.metadata.transaction() as change:
        if source:
            found = registry.catalogue.has_blob(source, digest)
        else:
            found = bool(registry.catalogue.repository_with(digest))
        if not found or not registry.content.blobs.has(digest):
            return None
        registry.catalogue.link_blob(change, call.name, digest)
    return created(call, digest)


def delete(registry: Registry, call: Call) -> Answer:
    """Take a blob away from a repository."""
    with registry.content.metadata.transaction() as change:
        found = registry.catalogue.unlink_blob(change, call.name, str(call.wanted))
    if not found:
        raise unknown(call.wanted)
    return Answer(202)


def created(call: Call, digest: Digest) -> Answer:
    """The repository has the blob now."""
    location = ("Location", f"/v2/{call.name}/blobs/{digest}")
    return Answer(201, (location, ("Docker-Content-Digest", str(digest))))


def unknown(digest: Digest) -> Refusal:
    """The refusal for a blob that is not there."""
    return Refusal("BLOB_UNKNOWN", "the repository has no such blob", {"digest": str(digest)})
