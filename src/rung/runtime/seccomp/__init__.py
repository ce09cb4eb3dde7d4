"""Seccomp: what a container's section says, as the program that the kernel runs.

    program = cached_filter(config["linux"]["seccomp"])  # struct sock_filter[]; b"": no filter
    flags = filter_flags(config["linux"]["seccomp"])     # for seccomp(2)

``compile.py`` makes a program, ``cache.py`` keeps it. Import this where a container has
such a section: the compiler is loaded only when the cache has no answer.
"""

from __future__ import annotations

from rung.runtime.seccomp.cache import cached_filter
from rung.runtime.seccomp.flags import filter_flags, has_filter

__all__ = ["cached_filter", "filter_flags", "has_filter"]
