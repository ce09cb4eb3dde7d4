"""``--filter name=value``, as docker's lists take it."""

from __future__ import annotations

from rung.cli.declaration import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.cli.parser import Parser


def add_filter(parser: Parser, *names: str) -> None:
    """Add the flag to a command; ``names`` where it is not ``-f, --filter``."""
    what = 'filter output based on conditions provided (e.g. "dangling=true")'
    flags = names or ("-f", "--filter")
    parser.add_argument(*flags, metavar="filter", action="append", default=[], type=_filter, help=what)


def _filter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadValue("bad format of filter (expected name=value)")
    name = name.strip().lower()
    return (f"{name[:-1]}!", value.strip()) if name.endswith("!") else (name, value.strip())


def parse_filters(given: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each filter."""
    found: dict[str, list[str]] = {}
    for name, value in given:
        found.setdefault(name, []).append(value)
    return found
