"""What a compiled filter returns, case by case; random profiles are in test_oracle.py."""

from __future__ import annotations

import time

import pytest

from bpf_machine import Machine
from rung.errors import RungError
from rung.runtime.seccomp import bpf
from rung.runtime.seccomp.compile import compile_filter
from rung.runtime.seccomp.flags import filter_flags, has_filter
from rung.runtime.seccomp.numbers import numbers_of

X86_64, X86, AARCH64, ARM, S390X = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028, 0x80000016
X32 = 0x40000000
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0, 0x00050001, 0x00050026
READ, WRITE, SOCKET, EXECVE = 0, 1, 41, 59


def profile(*syscalls, default="SCMP_ACT_ERRNO", **more):
    return {"defaultAction": default, "syscalls": list(syscalls), **more}


def rule(*names, action="SCMP_ACT_ALLOW", **more):
    return {"names": list(names), "action": action, **more}


def arg(index, op, value, second=0):
    return {"index": index, "op": f"SCMP_CMP_{op}", "value": value, "valueTwo": second}


def machine(seccomp, native="x86_64"):
    return Machine(compile_filter(seccomp, native=native), big_endian=native == "s390x")


def test_listed_and_not():
    compiled = machine(profile(rule("read", "execve")))
    assert [compiled.run(n, X86_64) for n in (READ, WRITE, EXECVE)] == [ALLOW, EPERM, ALLOW]


@pytest.mark.parametrize(
    ("action", "number", "value"),
    [
        ("SCMP_ACT_KILL", None, 0),
        ("SCMP_ACT_KILL_THREAD", None, 0),
        ("SCMP_ACT_KILL_PROCESS", None, 0x80000000),
        ("SCMP_ACT_TRAP", None, 0x00030000),
        ("SCMP_ACT_ERRNO", None, 0x00050001),
        ("SCMP_ACT_ERRNO", 0, 0x00050000),
        ("SCMP_ACT_ERRNO", 38, 0x00050026),
        ("SCMP_ACT_TRACE", None, 0x7FF00001),
        ("SCMP_ACT_TRACE", 7, 0x7FF00007),
        ("SCMP_ACT_LOG", None, 0x7FFC0000),
    ],
)
def test_every_action_as_rule_and_as_default(action, number, value):
    with_number = {} if number is None else {"errnoRet": number}
    assert machine(profile(rule("read", action=action, **with_number))).run(READ, X86_64) == value
    with_number = {} if number is None else {"defaultErrnoRet": number}
    compiled = machine(profile(rule("execve"), default=action, **with_number))
    assert compiled.run(READ, X86_64) == value


def test_a_newer_call_than_the_profile_names_is_enosys():
    compiled = machine(profile(rule("read", "execve", "nosuchcall"), rule("clone3", action="SCMP_ACT_KILL")))
    assert compiled.run(435, X86_64) == KILL
    assert compiled.run(436, X86_64) == ENOSYS
    assert compiled.run(434, X86_64) == EPERM


@pytest.mark.parametrize("default", ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"])
def test_where_the_default_lets_pass_newer_calls_do_too(default):
    compiled = machine(profile(rule("read", action="SCMP_ACT_KILL"), default=default))
    assert compiled.run(1000, X86_64) == compiled.run(WRITE, X86_64) != ENOSYS


def test_foreign_architectures_end_the_thread():
    compiled = machine(profile(rule("read")))
    assert compiled.run(3, X86) == KILL
    assert compiled.run(READ, AARCH64) == KILL
    assert compiled.run(READ | X32, X86_64) == KILL
    assert compiled.run(-1, X86_64) == EPERM  # a tracer's "skip this call"


def test_companions_have_their_own_numbers():
    compiled = machine(
        profile(rule("read", "mmap2", "execve"), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    )
    assert compiled.run(3, X86) == ALLOW
    assert compiled.run(192, X86) == ALLOW
    assert compiled.run(192, X86_64) == ENOSYS
    assert compiled.run(0, X86) == EPERM


def test_x32_beside_x86_64():
    named = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]
    compiled = machine(profile(rule("write", "execve"), architectures=named))
    assert compiled.run(WRITE, X86_64) == ALLOW
    assert compiled.run(WRITE | X32, X86_64) == ALLOW
    assert compiled.run(READ | X32, X86_64) == EPERM
    assert compiled.run(520 | X32, X86_64) == ALLOW  # x32's own execve
    assert compiled.run(EXECVE | X32, X86_64) == EPERM
    assert compiled.run(600 | X32, X86_64) == ENOSYS


def test_architectures_that_this_kernel_never_runs_cost_nothing():
    plain = profile(rule("read"))
    more = {**plain, "architectures": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS", "SCMP_ARCH_X86_64"]}
    assert compile_filter(more, native="x86_64") == compile_filter(plain, native="x86_64")


HIGH = 1 << 32


@pytest.mark.parametrize(
    ("op", "value", "second", "true", "false"),
    [
        ("EQ", HIGH | 5, 0, [HIGH | 5], [5, HIGH, 2 * HIGH | 5, HIGH | 6]),
        ("NE", HIGH | 5, 0, [5, HIGH, HIGH | 6], [HIGH | 5]),
        ("LT", HIGH | 5, 0, [0, 9, HIGH | 4], [HIGH | 5, HIGH | 6, 2 * HIGH]),
        ("LE", HIGH | 5, 0, [0, 9, HIGH | 5], [HIGH | 6, 2 * HIGH]),
        ("GE", HIGH | 5, 0, [HIGH | 5, HIGH | 6, 2 * HIGH], [0, 9, HIGH | 4]),
        ("GT", HIGH | 5, 0, [HIGH | 6, 2 * HIGH], [0, 9, HIGH | 5]),
        ("MASKED_EQ", HIGH | 6, HIGH | 2, [HIGH | 2, HIGH | 3, 3 * HIGH | 10], [2, HIGH | 6, HIGH]),
        ("MASKED_EQ", 6, 2, [2, 3, HIGH | 2], [0, 6]),
        ("MASKED_EQ", 3 * HIGH, HIGH, [HIGH, HIGH | 7, 5 * HIGH], [0, 7, 2 * HIGH]),
        ("MASKED_EQ", 6, 0xFF02, [2], [0, 6]),
        ("MASKED_EQ", 0, 5, [0, 1, HIGH], []),
    ],
)
@pytest.mark.parametrize(("native", "token"), [("x86_64", X86_64), ("s390x", S390X)])
def test_every_operator(op, value, second, true, false, native, token):
    number = numbers_of("x86_64" if native == "x86_64" else "s390x")["fcntl"]
    for index in (0, 5):
        compiled = machine(profile(rule("fcntl", args=[arg(index, op, value, second)])), native)
        for wanted, cases in ((ALLOW, true), (EPERM, false)):
            for case in cases:
                arguments = tuple(case if i == index else 77 for i in range(6))
                assert compiled.run(number, token, arguments) == wanted, hex(case)


def test_conditions_go_together_and_rules_are_alternatives():
    compiled = machine(
        profile(
            rule("socket", args=[arg(0, "EQ", 1), arg(1, "EQ", 2)]),
            rule("socket", args=[arg(0, "EQ", 9)], action="SCMP_ACT_TRAP"),
        )
    )
    assert compiled.run(SOCKET, X86_64, (1, 2, 0, 0, 0, 0)) == ALLOW
    assert compiled.run(SOCKET, X86_64, (1, 3, 0, 0, 0, 0)) == EPERM
    assert compiled.run(SOCKET, X86_64, (9, 3, 0, 0, 0, 0)) == 0x00030000


def test_an_argument_named_twice_makes_rules_of_their_own():
    compiled = machine(profile(rule("socket", args=[arg(0, "EQ", 1), arg(0, "EQ", 2), arg(1, "EQ", 5)])))
    for arguments in ((1, 0), (2, 0), (0, 5)):
        assert compiled.run(SOCKET, X86_64, (*arguments, 0, 0, 0, 0)) == ALLOW
    assert compiled.run(SOCKET, X86_64, (3, 4, 0, 0, 0, 0)) == EPERM


def test_a_rule_without_conditions_takes_the_place_of_all():
    conditional = rule("socket", args=[arg(0, "EQ", 1)], action="SCMP_ACT_TRAP")
    for order in ([conditional, rule("socket")], [rule("socket"), conditional]):
        compiled = machine(profile(*order, rule("socket", action="SCMP_ACT_KILL")))
        assert compiled.run(SOCKET, X86_64, (1, 0, 0, 0, 0, 0)) == ALLOW


def test_conditions_on_32_bit_see_the_lower_half():
    compiled = machine(
        profile(rule("openat", args=[arg(0, "EQ", 0xFFFFFFFF_FFFFFF9C)]), architectures=["SCMP_ARCH_ARM"]),
        "aarch64",
    )
    assert compiled.run(322, ARM, (0xFFFFFF9C, 0, 0, 0, 0, 0)) == ALLOW
    assert compiled.run(56, AARCH64, (0xFFFFFF9C, 0, 0, 0, 0, 0)) == EPERM
    assert compiled.run(56, AARCH64, (0xFFFFFFFF_FFFFFF9C, 0, 0, 0, 0, 0)) == ALLOW


def test_multiplexed_calls():
    compiled = machine(profile(rule("socket", "semop", "execve"), architectures=["SCMP_ARCH_X86"]))
    assert compiled.run(359, X86) == ALLOW
    assert [compiled.run(102, X86, (n, 0, 0, 0, 0, 0)) for n in (1, 2)] == [ALLOW, EPERM]
    assert [compiled.run(117, X86, (n, 0, 0, 0, 0, 0)) for n in (1, 2)] == [ALLOW, EPERM]


def test_a_section_without_filter():
    assert compile_filter({}, native="x86_64") == b""
    assert not has_filter({"syscalls": []})
    assert machine({"defaultAction": "SCMP_ACT_ALLOW"}).run(1, X86_64) == ALLOW


def test_notify():
    compiled = machine(profile(rule("mkdir", action="SCMP_ACT_NOTIFY"), default="SCMP_ACT_ALLOW"))
    assert [compiled.run(number, X86_64) for number in (83, 84)] == [0x7FC00000, ALLOW]


def test_only_a_profile_with_notify_has_a_listener_and_may_wait_killably():
    flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"]
    assert filter_flags(profile(rule("mkdir"), flags=flags)) == 0
    assert filter_flags(profile(rule("mkdir", action="SCMP_ACT_NOTIFY"), flags=flags)) == 1 << 5 | 1 << 3
    assert filter_flags(profile(rule("mkdir", action="SCMP_ACT_NOTIFY"))) == 1 << 2 | 1 << 3


def test_a_machine_without_tables_is_refused_by_name():
    with pytest.raises(RungError, match="the system calls of alpha are not known"):
        compile_filter(profile(), native="alpha")


def test_a_program_that_is_too_long_is_refused():
    rules = [rule("ioctl", args=[arg(1, "EQ", n)]) for n in range(3000)]
    with pytest.raises(RungError, match="the kernel takes 4096"):
        compile_filter(profile(*rules), native="x86_64")


def test_long_jumps():
    """More conditions than a conditional jump can cross, on many calls."""
    names = list(numbers_of("x86_64"))
    rules = [rule(names[i], args=[arg(1, "EQ", 100 * i + n)]) for i in range(12) for n in range(60)]
    rules += [rule(name, action="SCMP_ACT_LOG") for name in names[20:300:3]]
    compiled = machine(profile(*rules))
    assert 3000 < len(compiled.code) <= 4096
    for number in range(12):
        for value in (0, 30, 59):
            assert compiled.run(number, X86_64, (0, 100 * number + value, 0, 0, 0, 0)) == ALLOW
        assert compiled.run(number, X86_64, (0, 100 * number + 60, 0, 0, 0, 0)) == EPERM
    assert compiled.run(20, X86_64) == compiled.run(23, X86_64) == 0x7FFC0000
    assert compiled.run(21, X86_64) == EPERM
    assert compiled.run(3, X86) == KILL


def test_calls_with_the_same_rules_share_them():
    one = profile(rule("read", args=[arg(1, "EQ", n) for n in range(50)]))
    three = profile(rule("read", "write", "open", args=[arg(1, "EQ", n) for n in range(50)]))
    sizes = [len(compile_filter(p, native="x86_64")) for p in (one, three)]
    assert sizes[1] - sizes[0] < 5 * 8


def test_every_jump_of_the_assembler_reaches():
    for distance in (0, 1, 253, 254, 255, 256, 300, 600):
        program = bpf.Program()
        far = program.returning(1)
        for _ in range(distance):
            program.load(0)
        other = program.returning(2)
        program.branch(bpf.JUMP_EQUAL, 7, far, other)
        program.load(bpf.NUMBER_AT)
        compiled = Machine(program.to_bytes())
        assert (compiled.run(7, 0), compiled.run(8, 0)) == (1, 2)


def container_like():
    """The shape of the profile that engines give every container: about 400 calls allowed
    on three architectures, a few with conditions. (Which calls is not of interest here.)"""
    names = [n for i, n in enumerate(sorted(numbers_of("x86_64") | numbers_of("x86"))) if i % 8]
    conditional = {"personality", "clone", "socket", "clone3"}
    return profile(
        rule(*[n for n in names if n not in conditional]),
        *[rule("personality", args=[arg(0, "EQ", n)]) for n in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)],
        rule("socket", args=[arg(0, "NE", 40)]),
        rule("clone", args=[arg(0, "MASKED_EQ", 0x7E020000)]),
        rule("clone3", action="SCMP_ACT_ERRNO", errnoRet=38),
        architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        defaultErrnoRet=1,
    )


def test_a_container_profile_is_small_and_quick():
    seccomp = container_like()
    began = time.thread_time()
    program = compile_filter(seccomp, native="x86_64")
    took = time.thread_time() - began
    assert took < 0.1, "of this processor's time, on a slow one too"
    compiled = Machine(program)
    assert len(compiled.code) < 700
    longest = 0
    for number in range(470):
        compiled.run(number, X86_64)
        longest = max(longest, compiled.steps)
    assert longest < 30


@pytest.mark.parametrize(
    ("flags", "bits"),
    [
        (None, 4),
        ([], 0),
        (["SECCOMP_FILTER_FLAG_LOG"], 2),
        (["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"], 6),
        (["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], 0),
    ],
)
def test_flags(flags, bits):
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW"}
    assert filter_flags(seccomp if flags is None else {**seccomp, "flags": flags}) == bits
