"""NaCl's ``crypto_secretbox``: XSalsa20 and Poly1305, for keys of a few hundred bytes.

Written out because it is in no library that Rung has: cosign encrypts its private keys so.
D. J. Bernstein, "Extending the Salsa20 nonce" (HSalsa20, XSalsa20) and "The Poly1305-AES
message-authentication code"; NaCl, "Secret-key authenticated encryption".
"""

from __future__ import annotations

import hmac
import struct

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 24, 16
_SIGMA = struct.unpack("<4I", b"expand 32-byte k")
_MASK = 0xFFFFFFFF
#: The four quarter rounds over columns, then the four over rows.
_ROUNDS = (
    *((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    *((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)
_PRIME = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


def seal(data: bytes, nonce: bytes, key: bytes) -> bytes:
    """The tag and the encrypted data."""
    stream = _stream(key, nonce, 32 + len(data))
    sealed = bytes(a ^ b for a, b in zip(data, stream[32:]))
    return _poly1305(sealed, stream[:32]) + sealed


def open_(sealed: bytes, nonce: bytes, key: bytes) -> bytes | None:
    """The data, or None where key or data are not the right ones."""
    if len(sealed) < TAG_BYTES or len(nonce) != NONCE_BYTES or len(key) != KEY_BYTES:
        return None
    tag, data = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
    stream = _stream(key, nonce, 32 + len(data))
    if not hmac.compare_digest(tag, _poly1305(data, stream[:32])):
        return None
    return bytes(a ^ b for a, b in zip(data, stream[32:]))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    """XSalsa20's key stream: a key of its own for the nonce's first 16 bytes, Salsa20 with the other 8."""
    first = _rounds(_state(key, struct.unpack("<4I", nonce[:16])))
    subkey = struct.pack("<8I", *(first[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))
    low, high = struct.unpack("<2I", nonce[16:])
    blocks = []
    for counter in range((size + 63) // 64):
        state = _state(subkey, (low, high, counter & _MASK, counter >> 32))
        mixed = _rounds(state)
        blocks.append(struct.pack("<16I", *((a + b) & _MASK for a, b in zip(mixed, state))))
    return b"".join(blocks)[:size]


def _state(key: bytes, middle: tuple[int, ...]) -> list[int]:
    k = struct.unpack("<8I", key)
    return [_SIGMA[0], *k[:4], _SIGMA[1], *middle, _SIGMA[2], *k[4:], _SIGMA[3]]


def _rounds(state: list[int]) -> list[int]:
    x = list(state)
    for _ in range(10):
        for a, b, c, d in _ROUNDS:
            x[b] ^= _rotated(x[a] + x[d], 7)
            x[c] ^= _rotated(x[b] + x[a], 9)
            x[d] ^= _rotated(x[c] + x[b], 13)
            x[a] ^= _rotated(x[d] + x[c], 18)
    return x


def _rotated(word: int, by: int) -> int:
    word &= _MASK
    return ((word << by) | (word >> (32 - by))) & _MASK


def _poly1305(data: bytes, key: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & _CLAMP
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at : at + 16] + b"\1", "little")) * r % _PRIME
    return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")
