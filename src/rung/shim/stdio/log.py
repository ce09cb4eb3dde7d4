"""A log file that is written, and begun anew when it is full.

Rule: whole records in one write each time, so that a reader never sees half of one but at the very end; ``name`` is
the newest, ``name.1`` the one before it. Where the disk is full the workload goes on and the log does not.
"""

from __future__ import annotations

from rung import posix
from rung.spec.jsonfile import COMPRESSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Aside = Callable[[Callable[[], Any], Callable[[Any, BaseException | None], None]], None]

_CHUNK = 1 << 16


class LogFile:
    """``size_bytes`` 0: never rotated. ``aside`` does work in a thread, and then what is to be done here: with it
    files that are full are compressed, unless the next is full before that is done."""

    def __init__(self, path: str, size_bytes: int = 0, files: int = 1, aside: Aside | None = None) -> None:
        self._path, self._size, self._files = path, size_bytes, files
        self._aside, self._turn, self._packing = aside, 0, False
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
            for end, other in (("", COMPRESSED), (COMPRESSED, "")):
                try:
                    posix.rename(f"{older}{end}", f"{self._path}.{number}{end}")
                except FileNotFoundError:
                    continue
                _remove(f"{self._path}.{number}{other}")
        if self._files <= 1:
            posix.unlink(self._path)
        self._open()
        self._turn += 1
        if self._aside is not None and self._files > 1 and not self._packing:
            self._pack(self._aside, self._turn)

    def _pack(self, aside: Aside, turn: int) -> None:
        """Beside the file; it is put in its place only where that is still there."""
        full, packed = f"{self._path}.1", f"{self._path}.packing"

        def done(_: object, error: BaseException | None) -> None:
            self._packing = False
            if error is not None or turn != self._turn:
                _remove(packed)
                return
            try:
                posix.rename(packed, f"{full}{COMPRESSED}")
            except OSError:  # the container has been removed
                return
            _remove(full)

        self._packing = True
        aside(lambda: _compress(full, packed), done)

    def close(self) -> None:
        """Nothing more is written."""
        posix.close(self._fd)


def _remove(path: str) -> None:
    try:
        posix.unlink(path)
    except FileNotFoundError:
        pass  # as it should be


def _compress(full: str, packed: str) -> None:
    """As gzip does (RFC 1952)."""
    from zlib import DEFLATED, MAX_WBITS, compressobj

    work = compressobj(6, DEFLATED, MAX_WBITS | 16)
    source = posix.open(full, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        target = posix.open(packed, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC, 0o640)
        try:
            while data := posix.read(source, _CHUNK):
                _write(target, work.compress(data))
            _write(target, work.flush())
        finally:
            posix.close(target)
    finally:
        posix.close(source)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[posix.write(fd, view) :]
