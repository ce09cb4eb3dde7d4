"""Semantic versions, as npm and Go have them.

Semantic Versioning 2.0.0, clause 11; a leading ``v`` and missing parts are taken as they are meant,
``+build`` does not count. Go's pseudo-versions need nothing more.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def compare(a: str, b: str) -> int:
    """-1, 0 or 1."""
    one, other = _key(a), _key(b)
    return (one > other) - (one < other)


def _key(text: str) -> tuple[Any, ...]:
    core, dash, pre = text.strip().lstrip("=v ").partition("+")[0].partition("-")
    release = [int(part[:18]) if part.isascii() and part.isdigit() else -1 for part in core.split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    # "a pre-release version has lower precedence"; numbers are lower than words there.
    return release, not dash, [_identifier(part) for part in pre.split(".")] if dash else []


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part[:18]), "") if part.isascii() and part.isdigit() else (1, 0, part)
