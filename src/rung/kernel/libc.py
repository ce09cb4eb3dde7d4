"""System calls that Python's ``os`` has no name for, through libc's ``syscall(2)``.

Rule: ``ctypes`` is imported when the first call is made, never when a module is
(it costs 9 ms); each binding keeps its own prototype, so that no argument is ever
converted by guess. Numbers from 424 on are the same on all of Linux's architectures.
"""

from __future__ import annotations

from rung.kernel.errors import KernelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NR_OPEN_TREE = 428
NR_MOVE_MOUNT = 429
NR_FSOPEN = 430
NR_FSCONFIG = 431
NR_FSMOUNT = 432
NR_OPENAT2 = 437
NR_MOUNT_SETATTR = 442

_libc: Any = None


def library() -> Any:
    """libc with errno kept per thread."""
    global _libc
    if _libc is None:
        from ctypes import CDLL

        _libc = CDLL(None, use_errno=True)
    return _libc


def syscall(number: int, letters: str) -> Callable[..., int]:
    """``syscall(2)`` bound to a number. Letters give the arguments: ``i`` a number, ``p`` a pointer
    or bytes. The result is what the kernel says, -1 with ``last_errno()`` set on failure."""
    from ctypes import c_char_p, c_long

    function = library()["syscall"]  # an own object each time, unlike attribute access
    function.restype = c_long
    function.argtypes = [c_long] + [c_long if letter == "i" else c_char_p for letter in letters]

    def call(*arguments: object) -> int:
        return int(function(number, *arguments))

    return call


def last_errno() -> int:
    """errno of this thread's last call."""
    from ctypes import get_errno

    return get_errno()


def failed(call: str, *arguments: object, hint: str = "") -> KernelError:
    """The error of this thread's last call, to be raised."""
    return KernelError(call, arguments, last_errno(), hint)
