"""``--filter name=value`` as the API takes filters."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def filters(given: Iterable[str]) -> dict[str, list[str]] | None:
    """The values of each filter, None where there is none."""
    found: dict[str, list[str]] = {}
    for word in given:
        name, _, value = word.partition("=")
        found.setdefault(name.strip().lower(), []).append(value.strip())
    return found or None
