"""Moments as people write them after ``--since``: ``10m``, ``2026-01-02T15:04``, seconds. Pure but for the clock."""

from __future__ import annotations

import time

from rung.cli.numbers import duration_ns
from rung.errors import RungError


def moment(text: str, now_ns: int | None = None) -> str:
    """As the API takes it: seconds and nine digits. A duration is that long ago. Raises ``RungError``."""
    if not text:
        return ""
    whole, _, part = text.partition(".")
    if whole.isdecimal() and (not part or part.isdecimal()):
        return text
    try:
        found = (time.time_ns() if now_ns is None else now_ns) - duration_ns(text)
    except ValueError:
        found = _written(text)
    return f"{found // 10**9}.{found % 10**9:09}"


def _written(text: str) -> int:
    from datetime import datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RungError("failed to parse value as time or duration", "", f'"{text}"') from None
    return int(found.timestamp() * 10**6) * 1000


def written(nanoseconds: int) -> str:
    """As Go writes a local time with all its digits (RFC 3339)."""
    seconds, rest = divmod(nanoseconds, 10**9)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{rest:09}{zone}"
