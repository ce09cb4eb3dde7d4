"""What a process may be beside running: a subreaper (prctl(2))."""

from __future__ import annotations

from rung.kernel.libc import failed, library

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Descendants whose parents end become this process's children, and not those of process 1."""
    if library().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0:
        raise failed("prctl", "PR_SET_CHILD_SUBREAPER")
