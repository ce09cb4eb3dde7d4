"""Manifests: put, fetched, deleted, by digest or by tag.

Rule: the bytes are stored and given back as they came, under the digest the client named
(or sha256). What a manifest needs must be in the repository before it, its subject need
not. OCI Distribution 1.1, "Pulling manifests", "Pushing Manifests", "Deleting Manifests".
"""

from __future__ import annotations

import fcntl
import os

from rung.http1.ranges import is_known
from rung.image.errors import ContentError
from rung.image.serve.answers import Answer, Refusal
from rung.image.serve.catalogue import ManifestRow
from rung.image.serve.route import TAG
from rung.image.store.blobs import DOCUMENT_LIMIT
from rung.spec.errors import SpecError
from rung.spec.image import Digest, Index, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.http1.head import Request
    from rung.image.serve.registry import Body, Registry
    from rung.image.serve.route import Call
    from rung.spec.image import Descriptor, Manifest

#: The specification: "at least 4 megabytes"; "SHOULD enforce some limit".
SIZE_LIMIT = DOCUMENT_LIMIT
#: "SHOULD support pushing at least 10 tags per request."
_TAGS_LIMIT = 50


def get(registry: Registry, call: Call, request: Request) -> Answer:
    """A manifest, or 304 where the client has it already."""
    row = registry.manifest(call)
    digest = Digest.parse(row.digest)
    headers = (
        ("Content-Type", row.media_type),
        ("Docker-Content-Digest", row.digest),
        ("ETag", f'"{row.digest}"'),
    )
    if is_known(request, f'"{row.digest}"'):
        return Answer(304, headers)
    if request.method == "HEAD":
        return Answer(200, headers, length=row.size)
    try:
        return Answer(200, headers, registry.content.blobs.read(digest, SIZE_LIMIT))
    except ContentError as error:  # not there, or not what it was: as good as gone
        raise Refusal("MANIFEST_UNKNOWN", error.reason, {"digest": row.digest}) from error


def put(registry: Registry, call: Call, request: Request, body: Body) -> Answer:
    """Store a manifest and give it its tags."""
    data = body.read(SIZE_LIMIT)
    if data is None:
        raise Refusal("MANIFEST_INVALID", f"is larger than {SIZE_LIMIT} bytes", status=413)
    digest = Digest.of(data, call.digest.algorithm if call.digest else "sha256")
    if call.digest and digest != call.digest:
        raise Refusal("DIGEST_INVALID", f"the manifest's digest is {digest}", {"digest": str(call.digest)})
    parsed = _parsed(data, request)
    children = [str(one.digest) for one in needed(parsed)]
    tags = [call.tag] if call.tag else _tags(call)
    row = row_of(parsed, digest, len(data))
    with Written(registry, data) as file, registry.content.metadata.transaction() as change:
        missing = [] if registry.rules.sparse else registry.catalogue.missing(call.name, children)
        if missing:
            detail = [{"digest": each} for each in missing]
            raise Refusal("MANIFEST_BLOB_UNKNOWN", "the manifest names what is not here", detail)
        file.adopt(digest)
        registry.catalogue.link_manifest(change, call.name, row, children, tags)
    headers = [
        ("Location", f"/v2/{call.name}/manifests/{call.tag or digest}"),
        ("Docker-Content-Digest", str(digest)),
    ]
    if parsed.subject:
        headers.append(("OCI-Subject", str(parsed.subject.digest)))
    if tags and not call.tag:
        headers.append(("OCI-Tag", ", ".join(tags)))
    return Answer(201, tuple(headers))


def delete(registry: Registry, call: Call) -> Answer:
    """Take away a tag, or a manifest with all its tags."""
    with registry.content.metadata.transaction() as change:
        if call.tag:
            found = registry.catalogue.unlink_tag(change, call.name, call.tag)
        else:
            found = registry.catalogue.unlink_manifest(change, call.name, str(call.digest))
    if not found:
        raise unknown(call)
    return Answer(202)


def unknown(call: Call) -> Refusal:
    """The refusal for a manifest that is not there."""
    reference = call.tag or str(call.digest)
    return Refusal("MANIFEST_UNKNOWN", "the repository has no such manifest", {"reference": reference})


def _parsed(data: bytes, request: Request) -> Manifest | Index:
    # "The registry SHOULD ignore parameters on the Content-Type header."
    media_type = request.get("content-type").partition(";")[0].strip()
    try:
        return parse_manifest(data, media_type, "the manifest")
    except SpecError as error:
        raise Refusal("MANIFEST_INVALID", str(error)) from None


def needed(parsed: Manifest | Index) -> list[Descriptor]:
    """What must be in the repository already."""
    if isinstance(parsed, Index):
        return list(parsed.manifests)
    # Non-distributable layers lie somewhere else, where their urls say.
    return [parsed.config, *(layer for layer in parsed.layers if not layer.urls)]


def _tags(call: Call) -> list[str]:
    tags = list(dict.fromkeys(call.all("tag")))
    if len(tags) > _TAGS_LIMIT:
        raise Refusal("MANIFEST_INVALID", f"more than {_TAGS_LIMIT} tags at once", status=414)
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise Refusal("MANIFEST_INVALID", f"{tag[:140]!r} is not a tag")
    return tags


def row_of(parsed: Manifest | Index, digest: Digest, size: int) -> ManifestRow:
    """What the catalogue keeps of a manifest."""
    # "If the artifactType is empty or missing in the image manifest, the value of artifactType MUST be
    # set to the config descriptor mediaType value."
    kind = parsed.artifact_type or ("" if isinstance(parsed, Index) else parsed.config.media_type)
    subject = str(parsed.subject.digest) if parsed.subject else ""
    return ManifestRow(str(digest), parsed.media_type, size, subject, kind, dict(parsed.annotations))


class Written:
    """A document in a file on disk, not yet a blob. A context: what is not adopted is removed."""

    def __init__(self, registry: Registry, data: bytes) -> None:
        self._blobs = registry.content.blobs
        self._path = os.path.join(registry.uploads.directory, f"manifest-{os.urandom(8).hex()}")
        self._data = data

    def __enter__(self) -> Written:
        self._fd = self._create()
        try:
            view = memoryview(self._data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _create(self) -> int:
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)  # collection leaves it alone from here on
            if os.fstat(fd).st_nlink:
                return fd
            os.close(fd)

    def adopt(self, digest: Digest) -> None:
        """Give it its name; within the transaction that links it."""
        self._blobs.adopt(self._path, self._fd, digest)
        self._path = ""

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
        if self._path:
            os.unlink(self._path)
