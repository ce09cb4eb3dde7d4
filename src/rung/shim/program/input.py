"""What the caller of the shim's program has written on its standard input."""

from __future__ import annotations

from errno import EBADF

from rung import posix

_LIMIT_BYTES = 4 << 20


def read_input() -> bytes:
    """Return standard input up to its end; nothing where it is a terminal or closed. Raises ``OSError``."""
    if posix.isatty(0):
        return b""
    parts: list[bytes] = []
    try:
        while (part := posix.read(0, 1 << 16)) and sum(map(len, parts)) < _LIMIT_BYTES:
            parts.append(part)
    except OSError as error:
        if error.errno != EBADF:
            raise
    return b"".join(parts)
