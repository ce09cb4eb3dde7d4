"""Paragraphs of ``Field: value`` lines, as dpkg and apt write them (deb822(5))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def paragraphs(lines: Iterable[str], wanted: frozenset[str]) -> Iterator[dict[str, str]]:
    """Each paragraph's ``wanted`` fields (names in lower case); only the first line of a value."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] not in " \t#":
            key, colon, value = line.partition(":")
            key = key.lower()
            if colon and key in wanted:
                fields[key] = value.strip()
    if fields:
        yield fields


def source_of(fields: dict[str, str]) -> tuple[str, str]:
    """``(name, version)`` of ``Source: openssl (3.0.1-1)``; empty where they are the package's own.
    deb-control(5): the version is given only where it differs."""
    name, _, version = fields.get("source", "").partition("(")
    return name.strip(), version.rstrip(") ").strip()
