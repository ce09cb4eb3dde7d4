"""A log file that is written, and begun anew when it is full.

Rule: whole records in one write each time, so that a reader never sees half of one but at the very end; ``name`` is
the newest, ``name.1`` the one before it. Where the disk is full the workload goes on and the log does not.
"""

from __future__ import annotations

from rung import posix


class LogFile:
    """``size_bytes`` 0: never rotated."""

    def __init__(self, path: str, size_bytes: int = 0, files: int = 1) -> None:
        self._path, self._size, self._files = path, size_bytes, files
        self._open()

    def _open(self) -> None:
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
        self._fd = posix.open(self._path, flags, 0o640)
        self._written = posix.fstat(self._fd).st_size

    def write(self, records: bytes) -> None:
        """Append whole records."""
        if self._size and self._written and self._written + len(records) > self._size:
            self._rotate()
        view = memoryview(records)
        try:
            while view:
                view = view[posix.write(self._fd, view) :]
        except OSError:
            posix.ftruncate(self._fd, self._written)  # no half a record
            return
        self._written += len(records)

    def _rotate(self) -> None:
        posix.close(self._fd)
        for number in range(self._files - 1, 0, -1):
            older = f"{self._path}.{number - 1}" if number > 1 else self._path
            try:
                posix.rename(older, f"{self._path}.{number}")
            except FileNotFoundError:
                continue
        if self._files <= 1:
            posix.unlink(self._path)
        self._open()

    def close(self) -> None:
        """Nothing more is written."""
        posix.close(self._fd)
