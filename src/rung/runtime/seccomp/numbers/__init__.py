"""The system calls' numbers, one module an architecture, made by tools/syscall_numbers.py.

Read only when a filter is compiled; the way over the cache never comes here.
"""

from __future__ import annotations


def numbers_of(name: str) -> dict[str, int]:
    """System call -> number on the architecture ``name`` (a module of this package)."""
    module = __import__(f"{__name__}.{name}", fromlist=("TABLE",))
    found: dict[str, int] = {}
    following = 0
    for word in module.TABLE.split():
        if word[0].isdigit():
            following = int(word)
        else:
            found[word] = following
            following += 1
    return found
