"""``rung search``: docker's hub has an index to search; another registry a catalogue of names.

The hub's ``/v1/search`` is docker's (API of the old index); ``/v2/_catalog`` and
``/v2/NAME/tags/list`` are the distribution project's.
"""

from __future__ import annotations

from urllib.parse import quote

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry.client import Registry
from rung.image.registry.limits import limits_with
from rung.record import Record
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.cancellation import Cancellation
    from rung.image.registry.limits import Limits

_HUB_INDEX = "index.docker.io"
_LIMIT = 100


class Found(Record):
    """One repository. Only the hub knows more than its name."""

    name: str
    description: str = ""
    stars: int = 0
    is_official: bool = False


def search(
    term: str, limit: int = 25, *, insecure: bool = False, cancellation: Cancellation | None = None
) -> list[Found]:
    """Repositories whose name has ``term`` in it; ``host/term`` asks that registry."""
    domain, _, rest = term.partition("/")
    if not ("." in domain or ":" in domain or domain == "localhost"):
        domain, rest = "docker.io", term
    if domain == "docker.io":
        return _search_hub(rest, min(limit, _LIMIT), limits_with(cancellation))
    found = []
    with Registry(domain, insecure=insecure, limits=limits_with(cancellation)) as registry:
        for name in _catalogue(registry):
            if rest in name:
                found.append(Found(f"{domain}/{name}"))
                if len(found) == limit:
                    break
    return found


def list_tags(name: str, *, insecure: bool = False) -> list[str]:
    """The tags of a repository."""
    reference = Reference.parse(name)
    with Registry(reference.domain, insecure=insecure) as registry:
        return sorted(str(tag) for tag in registry.pages(reference.path, f"{reference.path}/tags/list", "tags"))


def _catalogue(registry: Registry) -> Iterator[str]:
    try:
        yield from map(str, registry.pages("", "_catalog", "repositories"))
    except RegistryError as error:
        if error.status in (401, 403, 404, 405):
            hint = "--list-tags HOST/NAME lists a repository's tags"
            raise RegistryError("search", registry.domain, "gives no list of its repositories", hint) from error
        raise


def _search_hub(term: str, limit: int, limits: Limits) -> list[Found]:
    path = f"/v1/search?q={quote(term)}&n={limit}"
    with (
        Registry(_HUB_INDEX, limits=limits) as registry,
        registry.send_to(registry.origin, "GET", path, (), {"Accept": "application/json"}, (200,)) as response,
    ):
        data = response.read_all(registry.limits.manifest_bytes)
    return parse_results(data or b"")[:limit]


def parse_results(data: bytes) -> list[Found]:
    """What the hub's index answered."""
    try:
        results = jsonc.loads(data)["results"]
        return [
            Found(
                str(one["name"]), str(one.get("description") or ""), int(one.get("star_count") or 0),
                one.get("is_official") is True,
            )
            for one in results
        ]  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RegistryError("search", _HUB_INDEX, "answers something else than results") from None
