"""The architectures as seccomp sees them: facts, tables only.

A filter sees ``seccomp_data.arch``, an AUDIT_ARCH_* token, and the number of the call.
One kernel runs programs of several architectures; ``COMPANIONS`` lists which, and what a
profile says about any other cannot come true, so it is passed over.

x32 is strange: its token is x86_64's, and its numbers carry bit 30.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

X32_BIT = 0x40000000


class Architecture(Record):
    """``token``: AUDIT_ARCH_*. ``wide``: arguments are 64 bits. ``multiplexed``: some calls
    are also reached through ``socketcall`` and ``ipc``, told apart by the first argument."""

    numbers: str
    token: int
    wide: bool
    big_endian: bool = False
    multiplexed: bool = False


ARCHITECTURES: Final[dict[str, Architecture]] = {
    "SCMP_ARCH_X86_64": Architecture("x86_64", 0xC000003E, True),
    "SCMP_ARCH_X86": Architecture("x86", 0x40000003, False, multiplexed=True),
    "SCMP_ARCH_X32": Architecture("x32", 0xC000003E, False),
    "SCMP_ARCH_AARCH64": Architecture("aarch64", 0xC00000B7, True),
    "SCMP_ARCH_ARM": Architecture("arm", 0x40000028, False),
    "SCMP_ARCH_RISCV64": Architecture("riscv64", 0xC00000F3, True),
    "SCMP_ARCH_LOONGARCH64": Architecture("loongarch64", 0xC0000102, True),
    "SCMP_ARCH_PPC64LE": Architecture("ppc64le", 0xC0000015, True, multiplexed=True),
    "SCMP_ARCH_S390X": Architecture("s390x", 0x80000016, True, big_endian=True, multiplexed=True),
    "SCMP_ARCH_S390": Architecture("s390", 0x00000016, False, big_endian=True, multiplexed=True),
    "SCMP_ARCH_PPC": Architecture("ppc", 0x00000014, False, big_endian=True, multiplexed=True),
    "SCMP_ARCH_PPC64": Architecture("ppc64", 0x80000015, True, big_endian=True, multiplexed=True),
    "SCMP_ARCH_MIPS": Architecture("mips", 0x00000008, False, big_endian=True, multiplexed=True),
    "SCMP_ARCH_MIPS64": Architecture("mips64", 0x80000008, True, big_endian=True),
    "SCMP_ARCH_MIPS64N32": Architecture("mips64n32", 0xA0000008, False, big_endian=True),
    "SCMP_ARCH_MIPSEL": Architecture("mips", 0x40000008, False, multiplexed=True),
    "SCMP_ARCH_MIPSEL64": Architecture("mips64", 0xC0000008, True),
    "SCMP_ARCH_MIPSEL64N32": Architecture("mips64n32", 0xE0000008, False),
    "SCMP_ARCH_PARISC": Architecture("parisc", 0x0000000F, False, big_endian=True),
    "SCMP_ARCH_PARISC64": Architecture("parisc64", 0x8000000F, True, big_endian=True),
    "SCMP_ARCH_M68K": Architecture("m68k", 0x00000004, False, big_endian=True, multiplexed=True),
    "SCMP_ARCH_SH": Architecture("sh", 0x4000002A, False, multiplexed=True),
    "SCMP_ARCH_SHEB": Architecture("sh", 0x0000002A, False, big_endian=True, multiplexed=True),
}

#: What else a kernel of that architecture runs.
COMPANIONS: Final[dict[str, tuple[str, ...]]] = {
    "SCMP_ARCH_X86_64": ("SCMP_ARCH_X86", "SCMP_ARCH_X32"),
    "SCMP_ARCH_AARCH64": ("SCMP_ARCH_ARM",),
    "SCMP_ARCH_S390X": ("SCMP_ARCH_S390",),
    "SCMP_ARCH_PPC64": ("SCMP_ARCH_PPC",),
    "SCMP_ARCH_MIPS64": ("SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"),
    "SCMP_ARCH_MIPSEL64": ("SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"),
    "SCMP_ARCH_PARISC64": ("SCMP_ARCH_PARISC",),
}

#: ``uname -m`` -> the architecture.
MACHINES: Final[dict[str, str]] = {
    "x86_64": "SCMP_ARCH_X86_64",
    "i386": "SCMP_ARCH_X86",
    "i686": "SCMP_ARCH_X86",
    "aarch64": "SCMP_ARCH_AARCH64",
    "armv6l": "SCMP_ARCH_ARM",
    "armv7l": "SCMP_ARCH_ARM",
    "armv8l": "SCMP_ARCH_ARM",
    "riscv64": "SCMP_ARCH_RISCV64",
    "loongarch64": "SCMP_ARCH_LOONGARCH64",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "s390x": "SCMP_ARCH_S390X",
    "ppc64": "SCMP_ARCH_PPC64",
    "ppc": "SCMP_ARCH_PPC",
    "mips64": "SCMP_ARCH_MIPSEL64",  # rung-init runs on little-endian machines only
    "mips": "SCMP_ARCH_MIPSEL",
    "parisc64": "SCMP_ARCH_PARISC64",
    "parisc": "SCMP_ARCH_PARISC",
    "m68k": "SCMP_ARCH_M68K",
    "sh4": "SCMP_ARCH_SH",
    "sh4eb": "SCMP_ARCH_SHEB",
}

#: linux/net.h: the first argument of socketcall(2).
SOCKETCALLS: Final[dict[str, int]] = {
    "socket": 1,
    "bind": 2,
    "connect": 3,
    "listen": 4,
    "accept": 5,
    "getsockname": 6,
    "getpeername": 7,
    "socketpair": 8,
    "send": 9,
    "recv": 10,
    "sendto": 11,
    "recvfrom": 12,
    "shutdown": 13,
    "setsockopt": 14,
    "getsockopt": 15,
    "sendmsg": 16,
    "recvmsg": 17,
    "accept4": 18,
    "recvmmsg": 19,
    "sendmmsg": 20,
}

#: linux/ipc.h: the first argument of ipc(2).
IPC_CALLS: Final[dict[str, int]] = {
    "semop": 1,
    "semget": 2,
    "semctl": 3,
    "semtimedop": 4,
    "msgsnd": 11,
    "msgrcv": 12,
    "msgget": 13,
    "msgctl": 14,
    "shmat": 21,
    "shmdt": 22,
    "shmget": 23,
    "shmctl": 24,
}
