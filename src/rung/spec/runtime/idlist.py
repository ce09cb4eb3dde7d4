"""Lists of CPUs and of memory nodes as text: ``0-3,7`` (cpuset(7), List Format)."""

from __future__ import annotations

#: The largest that Linux can be built for: NR_CPUS, MAX_NUMNODES.
CPUS_MAX = 8192
NODES_MAX = 1024


def bits_of(text: str, most: int) -> int:
    """The set as an integer, bit n for number n. Raises ``ValueError`` with the word that is wrong.

    As with runc, spaces around a range are passed over, and so are empty ranges."""
    bits = 0
    for word in text.split(","):
        word = word.strip()
        if not word:
            continue
        first, dash, last = word.partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise ValueError(word)
        low, high = int(first), int(last if dash else first)
        if low > high or high >= most:
            raise ValueError(word)
        bits |= (1 << high + 1) - (1 << low)
    return bits


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def mask_of(bits: int) -> bytes:
    """As the kernel takes masks: whole words of 64 bits, little-endian."""
    return bits.to_bytes((bits.bit_length() + 63) // 64 * 8, "little")
