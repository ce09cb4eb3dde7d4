"""For random profiles, Rung's filter answers every call as the profile means it, and as
runc's filter does (libseccomp and runc's stub for calls that are newer)."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import libseccomp
from bpf_machine import Machine
from rung.runtime.seccomp.architecture import ARCHITECTURES, MACHINES
from rung.runtime.seccomp.compile import compile_filter
from rung.runtime.seccomp.numbers import numbers_of

from .profiles import meaning, probes, profiles

EVERY_MACHINE = (
    "x86_64 aarch64 riscv64 loongarch64 ppc64le s390x i686 armv7l ppc64 ppc mips64 mips parisc64 m68k sh4"
).split()


@pytest.mark.parametrize("native", EVERY_MACHINE)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_profile_means(native, data):
    profile = data.draw(profiles(native))
    machine = Machine(
        compile_filter(profile, native=native), big_endian=ARCHITECTURES[MACHINES[native]].big_endian
    )
    for token, number, arguments in probes(profile, native, random.Random(5).choice):
        got, expected = (
            machine.run(number, token, arguments),
            meaning(profile, native, token, number, arguments),
        )
        assert got == expected, (
            f"{token:#x} {number:#x} {[hex(a) for a in arguments]}: {got:#x}, {expected:#x}"
        )


@pytest.mark.parametrize("native", ["x86_64", "aarch64", "riscv64", "loongarch64"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_libseccomp_agrees(native, data):
    profile = data.draw(profiles(native, plain=True))
    ours = Machine(compile_filter(profile, native=native))
    theirs = Machine(libseccomp.export(profile, native))
    for token, number, arguments in probes(profile, native, random.Random(5).choice):
        expected = theirs.run(number, token, arguments)
        if libseccomp.stub(profile, native, token, number):
            expected = libseccomp.ENOSYS
        got = ours.run(number, token, arguments)
        assert got == expected, (
            f"{token:#x} {number:#x} {[hex(a) for a in arguments]}: {got:#x}, {expected:#x}"
        )


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
