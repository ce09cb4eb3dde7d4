"""Moments as images and filters give them: RFC 3339 to nanoseconds, Unix seconds, Go durations."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from rung.errors import RungError
from rung.spec.duration import parse_duration_ns


def seconds_of(text: str) -> float | None:
    """A time of RFC 3339 (up to nanoseconds) in seconds since 1970; None where it is none."""
    plain = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def moment_of(created: str) -> float:
    """When an image was made; one that does not say is older than all others."""
    found = seconds_of(created)
    return float("-inf") if found is None else found


def moment_of_text(text: str) -> float:
    """A filter's time: seconds since 1970, a date, or how long ago (``24h``, ``1h30m``)."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    ago_ns = parse_duration_ns(text)
    if ago_ns is not None:
        return time.time() - ago_ns / 1e9
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise RungError("invalid filter", f"'until={text}'", "is no time", "write 24h or 2024-01-31") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
