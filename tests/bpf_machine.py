"""The kernel's filter machine in Python: what a program returns for one system call.

For tests only. Instructions as in linux/bpf_common.h; those that seccomp does not take raise.
"""

from __future__ import annotations

import struct
import sys


class Machine:
    """A program ready to run. ``big_endian``: the byte order of the data that it reads."""

    def __init__(self, program: bytes, *, big_endian: bool = False) -> None:
        assert program
        assert len(program) % 8 == 0
        self.code = list(struct.iter_unpack("=HBBI", program))
        self.order = ">" if big_endian else "<"
        self.steps = 0

    def run(self, number: int, token: int, args: tuple[int, ...] = (0,) * 6) -> int:
        """SECCOMP_RET_* with its data; ``steps`` then says how many instructions ran."""
        data = struct.pack(self.order + "IIQ6Q", number & 0xFFFFFFFF, token, 0, *args)
        at = accumulator = self.steps = 0
        while True:
            code, then, otherwise, value = self.code[at]
            self.steps += 1
            at += 1
            if code == 0x06:
                return value
            if code == 0x20:
                assert value % 4 == 0
                (accumulator,) = struct.unpack_from(self.order + "I", data, value)
            elif code == 0x54:
                accumulator &= value
            elif code == 0x05:
                at += value
            else:
                holds = {
                    0x15: accumulator == value,
                    0x25: accumulator > value,
                    0x35: accumulator >= value,
                    0x45: bool(accumulator & value),
                }[code]
                at += then if holds else otherwise


def native_is_big() -> bool:
    """This machine's byte order."""
    return sys.byteorder == "big"
