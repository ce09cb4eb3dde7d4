"""Go's durations (``1h30m``, ``2.5s``, ``100ms``), which docker's command line and files are full of."""

from __future__ import annotations

import re

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse_duration_ns(text: str) -> int | None:
    """A duration in nanoseconds; None for what is none. Go's ``time.ParseDuration`` without a sign."""
    if text == "0":
        return 0
    if not text or _PART.sub("", text):
        return None
    return sum(round(float(match[1]) * _UNITS[match[2]]) for match in _PART.finditer(text))
