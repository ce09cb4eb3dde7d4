"""A request line as a ``Call``: which endpoint, which repository, which content.

Rule: whatever of a request becomes a key or part of a path is matched here against the
specification's grammar first; nothing is unescaped twice, nothing normalised. A name cannot
hold ``..``, an upload's id is a UUID, a digest is a ``Digest``.
OCI Distribution 1.1, "Endpoints", "Pulling manifests" (grammar of names and tags).
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from rung.image.serve.answers import Refusal
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Digest

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{_PART}(?:/{_PART})*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_UPLOAD = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME_LIMIT = 255
_QUERY_LIMIT = 64

#: What follows a repository's name, by its last words: (pattern, endpoint). The name itself may hold
#: such words, so the split is made at the last place where one fits.
_ENDPOINTS = (
    (re.compile(r"(?P<name>.+)/blobs/uploads/?"), "uploads"),
    (re.compile(r"(?P<name>.+)/blobs/uploads/(?P<rest>[^/]+)"), "upload"),
    (re.compile(r"(?P<name>.+)/blobs/(?P<rest>[^/]+)"), "blob"),
    (re.compile(r"(?P<name>.+)/manifests/(?P<rest>[^/]+)"), "manifest"),
    (re.compile(r"(?P<name>.+)/tags/list"), "tags"),
    (re.compile(r"(?P<name>.+)/referrers/(?P<rest>[^/]+)"), "referrers"),
)


class Call(Record):
    """What is asked for. ``reference`` is the tag of a manifest, ``digest`` a digest in the path."""

    endpoint: str
    name: str = ""
    tag: str = ""
    digest: Digest | None = None
    upload: str = ""
    query: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str:
        """A query parameter, the first of that name; empty where it is not there."""
        return next((value for name, value in self.query if name == key), "")

    def all(self, key: str) -> list[str]:
        """A query parameter that may come several times."""
        return [value for name, value in self.query if name == key]

    @property
    def wanted(self) -> Digest:
        """The digest in the path."""
        assert self.digest is not None
        return self.digest


def parse_target(target: str) -> Call:
    """The call that a request's target is. Raises ``Refusal``."""
    path, _, query_text = target.partition("?")
    try:
        path = unquote(path, errors="strict")
        pairs = parse_qsl(query_text, keep_blank_values=True, max_num_fields=_QUERY_LIMIT, errors="strict")
    except ValueError:
        raise Refusal("UNSUPPORTED", "the request's target cannot be read", status=400) from None
    query = tuple(pairs)
    if path in ("/v2", "/v2/"):
        return Call("base", query=query)
    if path == "/v2/_catalog":
        return Call("catalog", query=query)
    if not path.startswith("/v2/"):
        raise Refusal("UNSUPPORTED", "there is nothing here; the registry is at /v2/", status=404)
    for pattern, endpoint in _ENDPOINTS:
        match = pattern.fullmatch(path, len("/v2/"))
        if match:
            rest = match["rest"] if "rest" in pattern.groupindex else ""
            return _call(endpoint, match["name"], rest, query)
    raise Refusal("UNSUPPORTED", "the registry has no such endpoint", status=404)


def _call(endpoint: str, name: str, rest: str, query: tuple[tuple[str, str], ...]) -> Call:
    check_name(name)
    if endpoint in ("blob", "referrers"):
        return Call(endpoint, name, digest=parse_digest(rest), query=query)
    if endpoint == "manifest":
        if ":" in rest:
            return Call(endpoint, name, digest=parse_digest(rest), query=query)
        if not TAG.fullmatch(rest):
            raise Refusal("MANIFEST_INVALID", f"{rest[:140]!r} is neither a tag nor a digest")
        return Call(endpoint, name, tag=rest, query=query)
    if endpoint == "upload" and not _UPLOAD.fullmatch(rest):
        raise Refusal("BLOB_UPLOAD_UNKNOWN", "there is no such upload")
    return Call(endpoint, name, upload=rest, query=query)


def check_name(name: str) -> None:
    """Refuse what is not a repository's name."""
    if len(name) > NAME_LIMIT or not NAME.fullmatch(name):
        raise Refusal(
            "NAME_INVALID", f"{name[:80]!r} is not a repository's name", {"name": name[:NAME_LIMIT]}
        )


def parse_digest(text: str) -> Digest:
    """A digest of a client's."""
    try:
        return Digest.parse(text)
    except SpecError as error:
        raise Refusal("DIGEST_INVALID", error.reason) from None
