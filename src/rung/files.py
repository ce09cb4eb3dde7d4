"""Small files as a whole: read, and written so that nobody sees a part.

Apart from ``runtime/state.py``, because containerd's shim reads and writes two of them and ends.
"""

from __future__ import annotations

from rung import posix


def write_atomically(path: str, data: bytes, mode: int = 0o600) -> None:
    """Readers see the old content or the new, never a part."""
    temporary = f"{path}.{posix.getpid()}.new"
    fd = posix.open(temporary, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC, mode)
    try:
        write_whole(fd, data, path)
        posix.rename(temporary, path)
    except BaseException:
        posix.unlink(temporary)
        raise
    finally:
        posix.close(fd)


def write_whole(fd: int, data: bytes, path: str) -> None:
    """All of it, or an error that names ``path``: one write may stop where the disk is full."""
    try:
        while data:
            data = data[posix.write(fd, data) :]
    except OSError as error:
        error.filename = path
        raise


#: More would make malloc ask the kernel for memory, and give it back, for each file.
_AT_ONCE = 1 << 14


def read_file(path: str) -> bytes:
    """A whole small file."""
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        parts = []
        while part := posix.read(fd, _AT_ONCE):
            parts.append(part)
        return b"".join(parts)
    finally:
        posix.close(fd)
