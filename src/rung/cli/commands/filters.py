"""``--filter name=value`` as the API takes filters."""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def filters(given: Iterable[str]) -> dict[str, list[str]] | None:
    """The values of each filter, None where there is none. Raises ``RungError``."""
    found: dict[str, list[str]] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals:
            flag = f'"{word}" for "-f, --filter" flag'
            raise RungError("invalid argument", flag, "bad format of filter (expected name=value)")
        name = name.strip().lower()
        found.setdefault(name, []).append(value.strip())
    return found or None
