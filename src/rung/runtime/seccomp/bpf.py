"""Classic BPF for seccomp, assembled from its end.

Jumps of classic BPF go forward only and, conditional ones, at most 255 instructions far.
Writing the program backwards, every jump's target is already there: a label is the
number of instructions from the label to the end. A target that is too far is reached
by an unconditional jump put in between; a return is repeated instead.

``struct seccomp_data``: u32 number | u32 architecture | u64 instruction pointer | u64 args[6].
"""

from __future__ import annotations

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
AND: Final = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP: Final = 0x05  # BPF_JMP | BPF_JA
JUMP_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_GREATER: Final = 0x25  # BPF_JMP | BPF_JGT | BPF_K
JUMP_GREATER_OR_EQUAL: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
RETURN: Final = 0x06  # BPF_RET | BPF_K

NUMBER_AT: Final = 0
ARCHITECTURE_AT: Final = 4
ARGS_AT: Final = 16

#: linux/bpf_common.h: BPF_MAXINSNS.
MAX_INSTRUCTIONS: Final = 4096

_FARTHEST = 255


class Program:
    """Instructions, the last one first."""

    def __init__(self) -> None:
        self._backwards: list[tuple[int, int, int, int]] = []
        self._returns: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._backwards)

    def returning(self, value: int) -> int:
        """The label of ``return value``, near enough for the next conditional jump."""
        label = self._returns.get(value)
        # One instruction of room: the other branch may still need its jump put in between.
        if label is None or len(self) - label >= _FARTHEST - 1:
            label = self._returns[value] = self._put(RETURN, 0, 0, value)
        return label

    def load(self, offset: int) -> int:
        """Load a word of ``seccomp_data``; what follows is what was written before."""
        return self._put(LOAD, 0, 0, offset)

    def mask(self, bits: int) -> int:
        """Keep these bits of the loaded word."""
        return self._put(AND, 0, 0, bits)

    def branch(self, code: int, value: int, then: int, otherwise: int) -> int:
        """Compare the loaded word and go to one of two labels."""
        then, otherwise = self._near(then, 1), self._near(otherwise, 0)
        return self._put(code, len(self) - then, len(self) - otherwise, value)

    def follow(self, label: int) -> int:
        """Make sure that what is written next falls through to ``label``."""
        return label if label == len(self) else self._put(JUMP, 0, 0, len(self) - label)

    def _near(self, label: int, reserve: int) -> int:
        """A label for the same place that the next instruction can reach."""
        if len(self) - label <= _FARTHEST - reserve:
            return label
        return self._put(JUMP, 0, 0, len(self) - label)

    def _put(self, code: int, then: int, otherwise: int, value: int) -> int:
        self._backwards.append((code, then, otherwise, value))
        return len(self._backwards)

    def to_bytes(self) -> bytes:
        """``struct sock_filter[]`` in this machine's byte order."""
        return b"".join([pack("=HBBI", *instruction) for instruction in reversed(self._backwards)])
