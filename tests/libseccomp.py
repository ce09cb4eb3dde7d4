"""libseccomp through ctypes: the oracle that Rung's seccomp compiler is held against.

For tests only. ``export`` makes the filter as runc makes it (rules whose action is the
default are left out, a repeated argument makes rules of their own); runc's ENOSYS stub is
not libseccomp's work and is told by ``stub``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from typing import Any

import pytest

from rung.runtime.seccomp.architecture import (
    ARCHITECTURES,
    COMPANIONS,
    IPC_CALLS,
    MACHINES,
    SOCKETCALLS,
    Architecture,
)
from rung.runtime.seccomp.numbers import numbers_of

TOKENS = {
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_RISCV64": 0xC00000F3,
    "SCMP_ARCH_LOONGARCH64": 0xC0000102,
    "SCMP_ARCH_PPC64LE": 0xC0000015,
    "SCMP_ARCH_S390X": 0x80000016,
    "SCMP_ARCH_S390": 0x00000016,
    "SCMP_ARCH_PPC": 0x00000014,
    "SCMP_ARCH_PPC64": 0x80000015,
    "SCMP_ARCH_MIPS": 0x00000008,
    "SCMP_ARCH_MIPS64": 0x80000008,
    "SCMP_ARCH_MIPS64N32": 0xA0000008,
    "SCMP_ARCH_MIPSEL": 0x40000008,
    "SCMP_ARCH_MIPSEL64": 0xC0000008,
    "SCMP_ARCH_MIPSEL64N32": 0xE0000008,
    "SCMP_ARCH_PARISC": 0x0000000F,
    "SCMP_ARCH_PARISC64": 0x8000000F,
    "SCMP_ARCH_M68K": 0x00000004,
    "SCMP_ARCH_SH": 0x4000002A,
    "SCMP_ARCH_SHEB": 0x0000002A,
}
OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
ACTIONS = {
    "SCMP_ACT_KILL": 0,
    "SCMP_ACT_KILL_THREAD": 0,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
UNKNOWN = -1
ENOSYS = 0x00050026


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    ]


def library() -> ctypes.CDLL:
    """libseccomp, or a skip."""
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("no libseccomp here to compare with (libseccomp2)")
    lib = ctypes.CDLL(found)
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_release.argtypes = [ctypes.c_void_p]
    lib.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.seccomp_arch_remove.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(Comparison),
    ]
    lib.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    lib.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    return lib


def value_of(action: str, number: int | None) -> int:
    """SCMP_ACT_*(number)"""
    value = ACTIONS[action]
    if action in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"):
        value |= 1 if number is None else number
    return value


def architectures(seccomp: dict[str, Any], native: str) -> list[str]:
    """Those of the profile that a kernel of this machine runs, its own first."""
    own = MACHINES[native]
    return [own, *(a for a in COMPANIONS.get(own, ()) if a in seccomp.get("architectures", ()))]


def export(seccomp: dict[str, Any], native: str) -> bytes:
    """The filter that libseccomp makes of a profile."""
    lib = library()
    default = value_of(seccomp["defaultAction"], seccomp.get("defaultErrnoRet"))
    context = lib.seccomp_init(default)
    assert context
    try:
        wanted = [TOKENS[a] for a in architectures(seccomp, native)]
        here = TOKENS[MACHINES[os.uname().machine]]
        if here not in wanted:
            assert lib.seccomp_arch_remove(context, here) == 0
        for token in wanted:
            if token != here:
                assert lib.seccomp_arch_add(context, token) == 0
        for call in seccomp.get("syscalls", ()):
            value = value_of(call["action"], call.get("errnoRet"))
            if value == default:
                continue
            for name in call["names"]:
                number = lib.seccomp_syscall_resolve_name(name.encode())
                if number != UNKNOWN:
                    _add(lib, context, value, number, call.get("args", []))
        return _exported(lib, context)
    finally:
        lib.seccomp_release(context)


def _add(lib: ctypes.CDLL, context: int, value: int, number: int, args: list[dict[str, Any]]) -> None:
    comparisons = [
        Comparison(arg["index"], OPERATORS[arg["op"]], arg["value"], arg.get("valueTwo", 0)) for arg in args
    ]
    indexes = [arg["index"] for arg in args]
    apart = [[one] for one in comparisons] if len(set(indexes)) < len(indexes) else [comparisons]
    for rule in apart:
        array = (Comparison * max(len(rule), 1))(*rule)
        result = lib.seccomp_rule_add_array(context, value, number, len(rule), array)
        assert result in (0, -17), result


def _exported(lib: ctypes.CDLL, context: int) -> bytes:
    reader = os.memfd_create("bpf")
    try:
        assert lib.seccomp_export_bpf(context, reader) == 0
        return os.pread(reader, 1 << 20, 0)
    finally:
        os.close(reader)


def stub(seccomp: dict[str, Any], native: str, token: int, number: int) -> bool:
    """Whether runc's stub, which runs before the filter, answers ENOSYS.

    runc does not count calls that socketcall and ipc multiplex, nor those two for them:
    a profile that names ``semop`` and nothing above loses it. Rung counts both."""
    if seccomp["defaultAction"] in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"):
        return False
    number &= 0xFFFFFFFF
    for name in architectures(seccomp, native):
        architecture = ARCHITECTURES[name]
        if architecture.token != token:
            continue
        if token == TOKENS["SCMP_ARCH_X86_64"] and bool(number & 0x40000000) != (name == "SCMP_ARCH_X32"):
            continue
        largest = _largest(seccomp, architecture)
        if largest and architecture.numbers in ("s390", "s390x") and number == 0:
            return True
        if largest and number > largest:
            return True
    return False


def _largest(seccomp: dict[str, Any], architecture: Architecture) -> int:
    numbers = numbers_of(architecture.numbers)
    named = {name for call in seccomp.get("syscalls", ()) for name in call["names"]}
    if architecture.multiplexed:
        named |= {"socketcall"} if named & SOCKETCALLS.keys() else set()
        named |= {"ipc"} if named & IPC_CALLS.keys() else set()
    return max((numbers[name] for name in named if name in numbers), default=0)
