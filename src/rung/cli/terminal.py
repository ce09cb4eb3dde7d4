"""The terminal that a command runs at: raw while a container has it, its size, the keys that detach."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: ctrl-p ctrl-q
DETACH = b"\x10\x11"


def is_terminal(fd: int) -> bool:
    """Whether a descriptor is one."""
    return posix.isatty(fd)


def size(fd: int = 1) -> tuple[int, int]:
    """Rows and columns; zeros where it has none."""
    try:
        found = posix.get_terminal_size(fd)
    except OSError:
        return 0, 0
    return found.lines, found.columns


def keys(text: str) -> bytes:
    """``ctrl-p,ctrl-q`` as bytes. Raises ``RungError``."""
    if not text:
        return DETACH
    found = bytearray()
    for word in text.split(","):
        if len(word) == 1:
            found += word.encode()
        elif word[:5] == "ctrl-" and len(word) == 6 and (word[5].isalpha() or word[5] in "@[\\]^_"):
            found.append(ord(word[5].upper()) - 64)
        else:
            raise RungError("invalid detach keys", f"({text})", f"Unknown character: '{word}'")
    return bytes(found)


class Raw:
    """Standard input is raw while this is entered, where it is a terminal and that is wanted."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted and is_terminal(0)

    def __enter__(self) -> Self:
        if self._wanted:
            import termios
            import tty

            self._before = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSANOW)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wanted:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self._before)
