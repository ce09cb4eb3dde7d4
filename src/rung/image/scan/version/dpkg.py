"""Debian's versions: ``[epoch:]upstream[-revision]``.

Debian Policy 5.6.12: digits compare as numbers, the rest letter by letter, where letters go before
everything else and ``~`` goes before even the end.
"""

from __future__ import annotations

import re

_PART = re.compile(r"([^0-9]*)([0-9]*)")


def compare(a: str, b: str) -> int:
    """-1, 0 or 1."""
    one, other = _key(a), _key(b)
    return (one > other) - (one < other)


def _key(version: str) -> tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    epoch, colon, rest = version.strip().partition(":")
    if not colon or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", version.strip()
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch[:18]), _parts(upstream), _parts(revision or "0")


def _parts(text: str) -> list[tuple[list[int], int]]:
    """Pairs of letters (by rank, ended by the rank of an end) and a number."""
    # "1" and "1.0" differ in letters; what is missing at the end counts as an empty pair.
    found = [([*map(_rank, letters), 0], int(digits or 0)) for letters, digits in _PART.findall(text)]
    while len(found) > 1 and found[-1] == ([0], 0):
        found.pop()
    return [*found, ([0], 0)]


def _rank(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 256
