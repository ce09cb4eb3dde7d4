"""System calls and error numbers by name, for messages and explanations."""

from __future__ import annotations

from rung import posix


def call_name(number: int) -> str:
    """The name of a system call of this machine's architecture."""
    from rung.runtime.seccomp.numbers import numbers_of

    try:
        numbers = numbers_of(posix.uname().machine)
    except ModuleNotFoundError:
        return f"system call {number}"
    return next((call for call, own in numbers.items() if own == number), f"system call {number}")


def errno_name(number: int) -> str:
    """``ENOENT`` for 2."""
    import errno

    return errno.errorcode.get(number, f"errno {number}")
