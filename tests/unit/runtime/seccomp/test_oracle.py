"""For random profiles, Rung's filter answers every call as runc's does (libseccomp and its stub)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import libseccomp
from bpf_machine import Machine
from rung.runtime.seccomp.architecture import ARCHITECTURES, MACHINES
from rung.runtime.seccomp.compile import compile_filter
from rung.runtime.seccomp.numbers import numbers_of

NAMES = (
    "read write open openat close clone clone3 personality socket socketcall bind accept accept4 ipc semop"
    " semtimedop shmat msgget ioctl fcntl fcntl64 mmap mmap2 execve exit_group futex futex_time64 waitpid"
    " arch_prctl set_tls cacheflush restart_syscall mseal io_uring_setup ptrace kexec_load nosuchcall time"
    " setup riscv_hwprobe modify_ldt sync_file_range sync_file_range2 s390_runtime_instr"
).split()
VALUES = (0, 1, 2, 38, 40, 0x7FFFFFFF, 0xFFFFFFFF, 0x1_0000_0000, 0x7E020000, 0xFFFFFFFF_FFFFFF9C, 1 << 63)
OPERATORS = sorted(libseccomp.OPERATORS)

values = st.one_of(st.sampled_from(VALUES), st.integers(0, (1 << 64) - 1))
args = st.builds(
    lambda index, op, value, second: {"index": index, "op": op, "value": value, "valueTwo": second},
    st.integers(0, 5),
    st.sampled_from(OPERATORS),
    values,
    values,
)
actions = st.one_of(
    st.sampled_from(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRAP", "SCMP_ACT_KILL_PROCESS"]).map(
        lambda action: {"action": action}
    ),
    st.sampled_from([{"action": "SCMP_ACT_ERRNO"}, {"action": "SCMP_ACT_ERRNO", "errnoRet": 38}]),
    st.just({"action": "SCMP_ACT_TRACE", "errnoRet": 7}),
)
names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6)


@st.composite
def profiles(draw, native):
    """A profile whose rules with conditions share one action: libseccomp's order of several
    that match the same call is nowhere promised."""
    own = MACHINES[native]
    default = draw(actions)
    profile = {"defaultAction": default["action"], "architectures": [own]}
    if "errnoRet" in default:
        profile["defaultErrnoRet"] = default["errnoRet"]
    profile["architectures"] += draw(st.lists(st.sampled_from(sorted(ARCHITECTURES)), unique=True, max_size=3))
    plain = st.builds(lambda n, action: {"names": n, **action}, names, actions)
    chosen = draw(actions)
    conditional = st.builds(
        lambda n, a: {"names": n, "args": a, **chosen}, names, st.lists(args, min_size=1, max_size=4)
    )
    profile["syscalls"] = draw(st.lists(st.one_of(plain, conditional), max_size=12))
    return profile


def probes(profile, native):
    """Calls worth asking about: on every boundary of numbers and of arguments."""
    interesting = {0, -1, -2, 0x40000000, 0x40000001, 0x7FFFFFFF, 0x80000000, 0xBFFFFFFF, 0xC0000000, 470}
    data = {0, 0xFFFFFFFFFFFFFFFF}
    for name in libseccomp.architectures(profile, native):
        numbers = numbers_of(ARCHITECTURES[name].numbers)
        for call in profile["syscalls"]:
            for one in call["names"]:
                if one in numbers:
                    interesting |= {numbers[one] - 1, numbers[one], numbers[one] + 1}
    for call in profile["syscalls"]:
        for arg in call.get("args", ()):
            for value in (arg["value"], arg["valueTwo"], arg["value"] & arg["valueTwo"], 1, 15):
                data |= {value, value + 1, value - 1, value & 0xFFFFFFFF, value ^ (1 << 40)}
    data = sorted({value & 0xFFFFFFFFFFFFFFFF for value in data})
    for name in ARCHITECTURES:
        for number in sorted(interesting):
            yield ARCHITECTURES[name].token, number, (0,) * 6
            for turn in range(len(data) if data else 0):
                yield (
                    ARCHITECTURES[name].token,
                    number,
                    tuple(data[(turn + 3 * i * (turn % 2)) % len(data)] for i in range(6)),
                )


def compare(profile, native):
    big = ARCHITECTURES[MACHINES[native]].big_endian
    ours = Machine(compile_filter(profile, native=native), big_endian=big)
    theirs = Machine(libseccomp.export(profile, native), big_endian=big)
    for token, number, arguments in probes(profile, native):
        expected = theirs.run(number, token, arguments)
        if libseccomp.stub(profile, native, token, number):
            expected = libseccomp.ENOSYS
        got = ours.run(number, token, arguments)
        assert got == expected, (
            f"{token:#x} {number:#x} {[hex(a) for a in arguments]}: {got:#x}, libseccomp has {expected:#x}"
        )


@pytest.mark.parametrize("native", ["x86_64", "aarch64", "riscv64", "loongarch64", "ppc64le"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_profiles(native, data):
    compare(data.draw(profiles(native)), native)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_tables_are_libseccomps(name):
    lib = libseccomp.library()
    token = libseccomp.TOKENS[name]
    architecture = ARCHITECTURES[name]
    newer = {"setxattrat", "getxattrat", "listxattrat", "removexattrat", "open_tree_attr", "file_getattr"}
    newer |= {"file_setattr", "listns"}
    numbers = numbers_of(architecture.numbers)
    assert len(numbers) > 300
    for call, number in numbers.items():
        theirs = lib.seccomp_syscall_resolve_name_arch(token, call.encode())
        if theirs == libseccomp.UNKNOWN:
            assert call in newer
        elif theirs >= 0 or not architecture.multiplexed:
            assert theirs == number, call
