"""Python's versions: ``[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]``.

The version specifiers specification (PEP 440), "Summary of permitted suffixes and relative
ordering" and "Normalization". What it refuses sorts before everything, by its text.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VERSION = re.compile(
    r"""v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]*))?
    (?:-(?P<post_implicit>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>[0-9]*))?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_BEFORE, _AFTER = (-1, 0), (9, 0)  # every pre-release, every final


def compare(a: str, b: str) -> int:
    """-1, 0 or 1."""
    one, other = _key(a), _key(b)
    return (one > other) - (one < other)


def _key(text: str) -> tuple[Any, ...]:
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return (-1, text)
    release = [int(part[:18]) for part in match["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    pre, dev = match["pre"], match["dev"]
    post = match["post"] or match["post_implicit"]
    phase = (_PHASES[pre.lower()], _number(match["pre_n"])) if pre else (_BEFORE if dev and not post else _AFTER)
    return (
        _number(match["epoch"]),
        release,
        phase,
        _number(match["post_implicit"] or match["post_n"]) if post else -1,
        _number(match["dev_n"]) if dev else 1 << 62,
        _local(match["local"] or ""),
    )


def _number(digits: str | None) -> int:
    return int(digits[:18]) if digits else 0


def _local(text: str) -> list[tuple[int, int, str]]:
    """Numbers go after words, more segments after fewer."""
    parts = re.split("[-_.]", text.lower()) if text else []
    return [(1, int(part[:18]), "") if part.isdigit() else (0, 0, part) for part in parts]
