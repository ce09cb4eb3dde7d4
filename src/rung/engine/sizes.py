"""Sizes as people write them."""

from __future__ import annotations

from rung.engine.errors import BadParameter


def size_bytes(text: str) -> int:
    """``10m`` as bytes."""
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    number, unit = text.rstrip("bB"), 1
    if number and number[-1].lower() in units:
        number, unit = number[:-1], units[number[-1].lower()]
    try:
        return int(float(number) * unit)
    except ValueError:
        raise BadParameter(f"invalid size: '{text}'") from None
