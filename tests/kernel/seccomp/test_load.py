"""Compiled filters in the real kernel: loaded in a forked child, which then makes the calls."""

from __future__ import annotations

import ctypes
import errno
import os
import signal

import pytest

from rung.runtime.seccomp.compile import compile_filter
from rung.runtime.seccomp.flags import filter_flags
from rung.runtime.seccomp.numbers import numbers_of

MACHINE = os.uname().machine
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def rule(*names, action="SCMP_ACT_ALLOW", **more):
    return {"names": list(names), "action": action, **more}


def everything_but(*names):
    """All calls that this machine knows, without some."""
    table = {"armv7l": "arm", "i686": "x86"}.get(MACHINE, MACHINE)
    return rule(*[name for name in numbers_of(table) if name not in names])


def in_child(seccomp, act):
    """Run ``act`` under the filter in a child; what it returned, or the signal that ended it.

    The child answers by its exit status: 100 plus the result, so that 0 to 99 stay free."""
    program = compile_filter(seccomp, native=MACHINE)
    flags = filter_flags(seccomp)
    libc = ctypes.CDLL(None, use_errno=True)
    loaded = Program(len(program) // 8, program)
    number = numbers_of({"armv7l": "arm", "i686": "x86"}.get(MACHINE, MACHINE))["seccomp"]
    child = os.fork()
    if child == 0:
        status = 99
        try:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            if libc.syscall(number, SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(loaded)) == 0:
                status = 100 + act()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status))
    assert os.WEXITSTATUS(status) >= 100, "the kernel refused the filter"
    return os.WEXITSTATUS(status) - 100


def errno_of(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0


def profile(*syscalls, default="SCMP_ACT_ERRNO", **more):
    return {"defaultAction": default, "syscalls": list(syscalls), **more}


def test_a_call_that_is_not_listed_is_refused():
    seccomp = profile(everything_but("mkdir", "mkdirat"), defaultErrnoRet=errno.EXDEV)
    assert in_child(seccomp, lambda: errno_of(lambda: os.mkdir("/proc/none"))) == errno.EXDEV
    assert in_child(seccomp, lambda: errno_of(lambda: os.stat("/"))) == 0


def test_a_signal_for_a_call():
    seccomp = profile(everything_but("getppid"), default="SCMP_ACT_KILL_PROCESS")
    assert in_child(seccomp, os.getppid) == signal.SIGSYS
    seccomp = profile(everything_but("getppid"), default="SCMP_ACT_TRAP")
    assert in_child(seccomp, os.getppid) == signal.SIGSYS


@pytest.mark.parametrize(("op", "refused"), [("EQ", [40]), ("GE", [40, 41]), ("LT", [1, 39])])
def test_a_condition_on_an_argument(op, refused):
    condition = [{"index": 0, "value": 40, "op": f"SCMP_CMP_{op}"}]
    seccomp = profile(
        rule("dup", args=condition, action="SCMP_ACT_ERRNO", errnoRet=errno.EXDEV), default="SCMP_ACT_ALLOW"
    )
    libc = ctypes.CDLL(None, use_errno=True)

    def duplicate(number):
        return ctypes.get_errno() if libc.dup(number) == -1 else 0

    for number in (1, 39, 40, 41):
        expected = errno.EXDEV if number in refused else (0 if number == 1 else errno.EBADF)
        assert in_child(seccomp, lambda number=number: duplicate(number)) == expected


def test_a_call_newer_than_the_profile_is_not_implemented():
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp = profile(everything_but("getppid"), defaultErrnoRet=errno.EXDEV)

    def newer():
        return ctypes.get_errno() if libc.syscall(480) == -1 else 0

    assert in_child(seccomp, newer) == errno.ENOSYS


@pytest.mark.parametrize(
    "flags", [[], ["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]]
)
def test_the_kernel_takes_the_flags(flags):
    assert in_child(profile(default="SCMP_ACT_ALLOW", flags=flags), lambda: 7) == 7


def test_the_kernel_takes_the_largest_program():
    count = 1
    while True:
        rules = [
            rule("ioctl", args=[{"index": 1, "value": n, "op": "SCMP_CMP_EQ"}], action="SCMP_ACT_LOG")
            for n in range(count)
        ]
        seccomp = profile(*rules, default="SCMP_ACT_ALLOW")
        if len(compile_filter(seccomp, native=MACHINE)) // 8 > 3500:
            break
        count += 200
    assert in_child(seccomp, lambda: 3) == 3
