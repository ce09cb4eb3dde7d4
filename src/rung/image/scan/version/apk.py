"""Alpine's versions: ``digits{.digits}{letter}{_suffix{digits}}{~hash}{-r#}``.

apk-package(5). Pieces compare in turn; where one version ends first it is older, unless what
follows in the other is a suffix of a pre-release. A number after a point that begins with a zero
compares as text.
"""

from __future__ import annotations

import re

_FIRST, _DIGITS, _LETTER, _SUFFIX, _SUFFIX_NUMBER, _HASH, _REVISION, _END, _INVALID = range(9)
_SUFFIXES = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
_PLAIN_SUFFIX = _SUFFIXES.index("")
_PIECE = re.compile(
    r"\.?(?P<digits>[0-9]+)|(?P<letter>[a-z])|_(?P<suffix>[a-z]+)|~(?P<hash>[0-9a-f]+)|-r(?P<revision>[0-9]+)"
)


def compare(a: str, b: str) -> int:
    """-1, 0 or 1."""
    for (kind_a, value_a), (kind_b, value_b) in zip(_pieces(a), _pieces(b)):
        if kind_a != kind_b:
            return _ended(kind_a, value_a, kind_b, value_b)
        if value_a != value_b and (found := _values(kind_a, value_a, value_b)):
            return found
    return 0


def _ended(kind_a: int, value_a: str, kind_b: int, value_b: str) -> int:
    if kind_a == _SUFFIX and _SUFFIXES.index(value_a) < _PLAIN_SUFFIX:
        return -1
    if kind_b == _SUFFIX and _SUFFIXES.index(value_b) < _PLAIN_SUFFIX:
        return 1
    return -1 if kind_a > kind_b else 1


def _values(kind: int, a: str, b: str) -> int:
    if kind == _SUFFIX:
        return -1 if _SUFFIXES.index(a) < _SUFFIXES.index(b) else 1
    as_text = kind in (_LETTER, _HASH) or (kind == _DIGITS and "0" in (a[0], b[0]))
    if not as_text and int(a) == int(b):
        return 0
    return (-1 if a < b else 1) if as_text else (-1 if int(a) < int(b) else 1)


def _pieces(version: str) -> list[tuple[int, str]]:
    """``(kind, text)`` up to the end, or to what is no piece of a version."""
    found: list[tuple[int, str]] = []
    at, last = 0, -1
    version = version.strip()
    while at < len(version):
        match = _PIECE.match(version, at)
        name = match.lastgroup or "" if match else ""
        value = match[name] if match and name else ""
        kind = _kind(name, value, last, pointed=version[at] == ".")
        if match is None or kind == _INVALID:
            return [*found, (_INVALID, "")]
        found.append((kind, value[:18] if name in ("digits", "revision") else value))
        at, last = match.end(), kind
    return [*found, (_END, "") if found else (_INVALID, "")]


def _kind(name: str, value: str, last: int, *, pointed: bool) -> int:
    """What a piece is behind the one before it; ``_INVALID`` where it must not stand there."""
    if last == -1:
        return _FIRST if name == "digits" and not pointed else _INVALID
    if name == "digits":
        if pointed:
            return _DIGITS if last <= _DIGITS else _INVALID
        return _SUFFIX_NUMBER if last == _SUFFIX else _INVALID
    if name == "letter":
        return _LETTER if last <= _DIGITS else _INVALID
    if name == "suffix":
        return _SUFFIX if last <= _SUFFIX_NUMBER and value in _SUFFIXES else _INVALID
    if name == "hash":
        return _HASH if last < _HASH else _INVALID
    return _REVISION if name == "revision" and last < _REVISION else _INVALID
