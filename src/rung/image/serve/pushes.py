"""Pushing a blob: begun, sent in one or many requests, closed or given up.

    POST uploads/                  a session            202
    POST uploads/?mount=D&from=R   a link, or a session 201 or 202
    POST uploads/?digest=D         all in one           201
    PATCH upload                   the next chunk       202, 416 out of order
    GET upload                     how far it is        204
    PUT upload?digest=D            the last chunk, done 201, 400 for other bytes
    DELETE upload                  given up             204

OCI Distribution 1.1, "Pushing blobs", "Cancel a blob upload".
"""

from __future__ import annotations

import re

from rung.image.serve import blobs
from rung.image.serve.answers import Answer, Refusal
from rung.image.serve.route import NAME, parse_digest
from rung.spec.image.digest import ALGORITHMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.http1.head import Request
    from rung.image.serve.registry import Body, Registry
    from rung.image.serve.route import Call
    from rung.image.serve.uploads import Upload
    from rung.spec.image import Digest

#: "It MUST match the following regular expression": ^[0-9]+-[0-9]+$; RFC 9110's form is taken as well.
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:\*|[0-9]+))?")


def begin(registry: Registry, call: Call, body: Body) -> Answer:
    """Open a session, unless the blob can be had at once."""
    if call.get("mount"):
        source = call.get("from")
        if not source or NAME.fullmatch(source):
            mounted = blobs.mount(registry, call, parse_digest(call.get("mount")), source)
            if mounted:
                return mounted
    elif call.get("digest"):
        return _all_in_one(registry, call, parse_digest(call.get("digest")), body)
    algorithm = call.get("digest-algorithm") or "sha256"
    if algorithm not in ALGORITHMS:
        raise Refusal(
            "DIGEST_INVALID", f"blobs are named by {' or '.join(ALGORITHMS)}, not {algorithm[:40]!r}"
        )
    with registry.uploads.begin(call.name, algorithm) as upload:
        return _accepted(call, upload)


def append(registry: Registry, call: Call, request: Request, body: Body) -> Answer:
    """The next chunk."""
    with registry.uploads.open(call.name, call.upload) as upload:
        _check_place(call, upload, request, body)
        upload.append(body.chunks())
        return _accepted(call, upload)


def status(registry: Registry, call: Call) -> Answer:
    """How far the session is."""
    with registry.uploads.open(call.name, call.upload) as upload:
        answer: Answer = _accepted(call, upload).replace(status=204)
        return answer


def finish(registry: Registry, call: Call, request: Request, body: Body) -> Answer:
    """The last chunk, if any, and the digest of the whole."""
    if not call.get("digest"):
        raise Refusal("DIGEST_INVALID", "the digest of the whole blob must be said")
    digest = parse_digest(call.get("digest"))
    with registry.uploads.open(call.name, call.upload) as upload:
        _check_place(call, upload, request, body)
        upload.append(body.chunks())
        return _complete(registry, call, upload, digest)


def cancel(registry: Registry, call: Call) -> Answer:
    """Give the session up."""
    with registry.uploads.open(call.name, call.upload) as upload:
        upload.discard()
    return Answer(204)


def _all_in_one(registry: Registry, call: Call, digest: Digest, body: Body) -> Answer:
    with registry.uploads.begin(call.name, digest.algorithm) as upload:
        try:
            upload.append(body.chunks())
            return _complete(registry, call, upload, digest)
        finally:  # the client has no address to go on at
            upload.discard()


def _complete(registry: Registry, call: Call, upload: Upload, digest: Digest) -> Answer:
    upload.finish(digest)
    with registry.content.metadata.transaction() as change:
        upload.move(digest)
        registry.catalogue.link_blob(change, call.name, digest)
    return blobs.created(call, digest)


def _check_place(call: Call, upload: Upload, request: Request, body: Body) -> None:
    """That a chunk belongs where it would go."""
    said = request.get("content-range")
    if not said:
        return  # Docker streams a whole layer so
    match = _CONTENT_RANGE.fullmatch(said.strip())
    if match is None:
        raise Refusal("BLOB_UPLOAD_INVALID", f"{said[:60]!r} is not a range")
    start, end = int(match[1]), int(match[2])
    if start != upload.offset:
        # "If a chunk is uploaded out of order, the registry MUST respond with a 416".
        message = f"the next byte is {upload.offset}, not {start}"
        headers = _accepted(call, upload).headers
        raise Refusal("BLOB_UPLOAD_INVALID", message, status=416, headers=headers)
    if end + 1 < start or (body.length is not None and body.length != end + 1 - start):
        raise Refusal("SIZE_INVALID", f"{said[:60]} are not {body.length} bytes")


def _accepted(call: Call, upload: Upload) -> Answer:
    """Where the session is and how far. An empty one says 0-0, as Docker's registry does."""
    headers = (
        ("Location", f"/v2/{call.name}/blobs/uploads/{upload.id}"),
        ("Range", f"0-{max(0, upload.offset - 1)}"),
        ("Docker-Upload-UUID", upload.id),
    )
    return Answer(202, headers)
