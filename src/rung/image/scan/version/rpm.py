"""RPM's versions: ``[epoch:]version[-release]``.

rpm-version(7): segments of digits or letters, a number is newer than letters, leading zeros do not
count, ``~`` sorts before everything and ``^`` before everything but the end.
"""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")


def compare(a: str, b: str) -> int:
    """-1, 0 or 1. A missing release equals any, as in ``rpm``'s dependencies."""
    (epoch_a, version_a, release_a), (epoch_b, version_b, release_b) = _split(a), _split(b)
    if epoch_a != epoch_b:
        return -1 if epoch_a < epoch_b else 1
    return _segments(version_a, version_b) or (_segments(release_a, release_b) if release_a and release_b else 0)


def _split(text: str) -> tuple[int, str, str]:
    epoch, colon, rest = text.strip().partition(":")
    if not colon or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", text.strip()
    version, _, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch[:18]), version, release


def _segments(a: str, b: str) -> int:
    if a == b:
        return 0
    one, other = _SEGMENT.findall(a), _SEGMENT.findall(b)
    for left, right in zip(one, other):
        if left == right:
            continue
        for sign in "~^":
            if left == sign or right == sign:
                return (-1 if left == sign else 1)
        if left[0].isdigit() != right[0].isdigit():
            return 1 if left[0].isdigit() else -1
        if left[0].isdigit():
            left, right = left.lstrip("0"), right.lstrip("0")
            if len(left) != len(right):
                return -1 if len(left) < len(right) else 1
        if left != right:
            return -1 if left < right else 1
    if len(one) == len(other):
        return 0
    longer, newer = (one, 1) if len(one) > len(other) else (other, -1)
    return -newer if longer[min(len(one), len(other))] == "~" else newer
