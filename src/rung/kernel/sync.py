"""``syncfs(2)``: one file system written out, not all of them as ``os.sync`` does."""

from __future__ import annotations

from rung.kernel.libc import failed, library


def syncfs(fd: int) -> None:
    """Wait until everything written to the file system that ``fd`` is on is on its disk."""
    if library().syncfs(fd) < 0:
        raise failed("syncfs", fd)
