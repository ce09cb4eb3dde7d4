"""Control files: what is to be written as data, and the one place that writes it.

Deciding makes a list of ``Write``; ``execute`` carries it out and decides nothing. The
kernel takes one value a ``write(2)``, and some pairs of values only in an order that
depends on what was there before (memory and memory+swap; quota and period; the
real-time pair). Such a write says ``retry``: refused with EINVAL it is tried once more
after the others, when the value it depends on has changed. So no write needs to know
the old values.
"""

from __future__ import annotations

from errno import EINVAL, ENODEV, ENOENT

from rung.posix import O_CLOEXEC, O_RDONLY, O_WRONLY, close
from rung.posix import open as open_fd
from rung.posix import read as read_fd
from rung.posix import write as write_fd
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SMALL = 4096
LARGE = 1 << 16


class Write(Record):
    """One value for one control file.

    ``controller`` is the key of the cgroup's directory ("" for v2); ``field`` is what the
    configuration calls it. ``optional``: kernels without the file are passed over.
    ``verify``: the kernel clamps silently, so read back. ``otherwise`` is done where the
    file does not exist."""

    controller: str
    file: str
    value: str
    field: str
    optional: bool = False
    retry: bool = False
    verify: bool = False
    otherwise: Write | None = None


def read(path: str) -> str:
    """The whole of a file that may be long."""
    fd = open_fd(path, O_RDONLY | O_CLOEXEC)
    try:
        parts = []
        while part := read_fd(fd, LARGE):
            parts.append(part)
    finally:
        close(fd)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def read_line(path: str) -> str:
    """A control file of one short line, in one read."""
    fd = open_fd(path, O_RDONLY | O_CLOEXEC)
    try:
        return read_fd(fd, SMALL).decode().strip()
    finally:
        close(fd)


def write(path: str, value: str) -> None:
    """One value, in one write, to a file that is there."""
    fd = open_fd(path, O_WRONLY | O_CLOEXEC)
    try:
        write_fd(fd, value.encode())
    except OSError as error:
        error.filename = path  # the caller's sentence names it
        raise
    finally:
        close(fd)


def execute(writes: Iterable[Write], paths: Mapping[str, str]) -> None:
    """Carry out the writes in order. Raises ``CgroupError`` for the first that is refused."""
    again = []
    path = ""
    fd = -1
    try:
        for item in writes:
            directory = paths[item.controller]
            try:
                if path != (path := f"{directory}/{item.file}"):
                    if fd >= 0:
                        close(fd)
                    fd = -1
                    fd = open_fd(path, O_WRONLY | O_CLOEXEC)
                write_fd(fd, item.value.encode())
            except OSError as error:
                if fd < 0:
                    path = ""
                if error.errno == EINVAL and item.retry:
                    again.append(item.replace(retry=False))
                else:
                    _settle(item, directory, error, paths)
                continue
            if item.verify:
                _verify(item, path)
    finally:
        if fd >= 0:
            close(fd)
    if again:
        execute(again, paths)


def _settle(item: Write, directory: str, error: OSError, paths: Mapping[str, str]) -> None:
    """A write failed: pass over, do the other thing, or raise."""
    if error.errno == ENOENT and item.otherwise is not None:
        execute([item.otherwise], paths)
    elif error.errno != ENOENT or not item.optional:
        from rung.runtime.cgroup.hints import refused

        raise refused(item, directory, error) from None


def _verify(item: Write, path: str) -> None:
    """The kernel took the value; did it keep it?"""
    kept = read_line(path)
    if kept != item.value:
        from rung.runtime.cgroup.errors import CgroupError

        bound = "maximum" if int(item.value) > int(kept) else "minimum"
        reason = f"the {bound} that the kernel allows is {kept}"
        raise CgroupError(f"set {item.field}", f"to {item.value}", reason)


def is_gone(error: OSError) -> bool:
    """The cgroup was removed: before it was opened, or with its file open."""
    return error.errno in (ENOENT, ENODEV)
