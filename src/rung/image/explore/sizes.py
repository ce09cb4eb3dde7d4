"""Numbers of bytes as people read and write them."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_FACTORS = {
    "": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "t": 10**12,
    "tb": 10**12, "ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30,
    "ti": 1 << 40, "tib": 1 << 40,
}  # fmt: skip


def human(size_bytes: int) -> str:
    """Two digits at least and a decimal unit: ``1.2 MB``, as dive prints them."""
    value, at = float(size_bytes), 0
    while value >= 999.5 and at < len(_UNITS) - 1:
        value, at = value / 1000, at + 1
    return f"{value:.1f} {_UNITS[at]}" if at and value < 9.95 else f"{value:.0f} {_UNITS[at]}"


def parse(text: str) -> int:
    """``20MB``, ``1.5 GiB`` or ``4096`` in bytes. Raises ``ValueError``."""
    stripped = text.strip().replace(",", "")
    number = stripped.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = stripped[len(number) :].strip().lower()
    if unit not in _FACTORS or not number or number.strip("0123456789."):
        raise ValueError(text)
    return int(float(number) * _FACTORS[unit])
