"""``syncfs(2)``: one file system written out, not all of them as ``os.sync`` does; and of long files: room for what
comes, and what has come sent to the disk."""

from __future__ import annotations

from rung.kernel.libc import failed, library

_SYNC_FILE_RANGE_WRITE = 2
_KEEP_SIZE = 1


def start_writing(fd: int, offset: int, size: int) -> None:
    """Have a part of a file written to the disk from now on, and wait for nothing. No promise: a file
    system that cannot do so does not."""
    from ctypes import c_int64

    library().sync_file_range(fd, c_int64(offset), c_int64(size), _SYNC_FILE_RANGE_WRITE)


def reserve(fd: int, offset: int, size: int) -> None:
    """Room for bytes that are to be written; the file is no longer for that. No promise: a file system that
    cannot do so does not, and one that has no room says so to whoever writes."""
    from ctypes import c_int64

    library().fallocate(fd, _KEEP_SIZE, c_int64(offset), c_int64(size))


def syncfs(fd: int) -> None:
    """Wait until everything written to the file system that ``fd`` is on is on its disk."""
    if library().syncfs(fd) < 0:
        raise failed("syncfs", fd)
