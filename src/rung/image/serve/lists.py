"""Lists that come in pages: tags, repositories, referrers.

Rule: a page is what fits into ``n``, the place where the next begins is the last entry's own
name, and ``Link`` is there exactly when there is a next page.
OCI Distribution 1.1, "Listing Tags", "Listing Referrers"; RFC 8288 for ``Link``.
"""

from __future__ import annotations

from urllib.parse import urlencode

from rung import jsonc
from rung.image.serve.answers import JSON, Answer, Refusal
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.serve.registry import Registry
    from rung.image.serve.route import Call

#: Entries on a page where the client names no number, and the most it may name.
_PAGE = 1000
_PAGE_LIMIT = 10_000
#: A client reads a page of referrers as a manifest: no larger than it expects one to be.
_REFERRERS_BYTES = 3 << 20


def tags(registry: Registry, call: Call) -> Answer:
    """The tags of a repository."""
    if registry.upstream is not None:
        everything = registry.upstream.tags(call.name)
        if everything is not None:
            after = [tag for tag in everything if tag > call.get("last")]
            return _page(call, {"name": call.name}, "tags", after, _limit(call))
    if not registry.catalogue.has_repository(call.name):
        raise Refusal("NAME_UNKNOWN", "there is no such repository", {"name": call.name})
    limit = _limit(call)
    # Without n it is the whole list: clients written before Link was specified ask once.
    found = registry.catalogue.tags(call.name, call.get("last"), limit + 1 if limit is not None else -1)
    return _page(call, {"name": call.name}, "tags", found, limit)


def repositories(registry: Registry, call: Call) -> Answer:
    """The catalogue of Docker's registry: ``/v2/_catalog``."""
    limit = _PAGE if _limit(call) is None else _limit(call)
    assert limit is not None
    found = registry.catalogue.repositories(call.get("last"), limit + 1)
    return _page(call, {}, "repositories", found, limit)


def referrers(registry: Registry, call: Call) -> Answer:
    """What says that it belongs to a manifest, as an index."""
    if registry.upstream is not None:
        index_there = registry.upstream.referrers(call)
        if index_there is not None:
            return Answer(200, (("Content-Type", media.OCI_INDEX),), index_there)
    kind = call.get("artifactType")
    limit = _limit(call) or _PAGE
    rows = registry.catalogue.referrers(call.name, call.wanted, kind, call.get("last"), limit + 1)
    shown: list[object] = []
    size = 0
    for row in rows[:limit]:
        descriptor = row.descriptor()
        size += len(jsonc.dumps(descriptor))
        if shown and size > _REFERRERS_BYTES:
            break
        shown.append(descriptor)
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": shown}
    headers = [("Content-Type", media.OCI_INDEX)]
    if kind:
        headers.append(("OCI-Filters-Applied", "artifactType"))
    if len(shown) < len(rows):
        query = {"artifactType": kind} if kind else {}
        headers.append(
            _next(f"/v2/{call.name}/referrers/{call.wanted}", limit, rows[len(shown) - 1].digest, query)
        )
    return Answer(200, tuple(headers), jsonc.dumps(index).encode())


def _limit(call: Call) -> int | None:
    text = call.get("n")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refusal("UNSUPPORTED", f"{text[:40]!r} is not a number of entries", status=400)
    return min(int(text), _PAGE_LIMIT)


def _page(call: Call, document: dict[str, object], field: str, found: list[str], limit: int | None) -> Answer:
    shown = found if limit is None else found[:limit]
    headers = [JSON]
    # "When n is zero, this endpoint MUST return an empty list, and MUST NOT include a Link header."
    if limit and len(found) > limit:
        path = f"/v2/{call.name}/tags/list" if field == "tags" else "/v2/_catalog"
        headers.append(_next(path, limit, shown[-1], {}))
    return Answer(200, tuple(headers), jsonc.dumps({**document, field: shown}).encode() + b"\n")


def _next(path: str, limit: int, last: str, query: dict[str, str]) -> tuple[str, str]:
    return "Link", f'<{path}?{urlencode({**query, "n": limit, "last": last})}>; rel="next"'
