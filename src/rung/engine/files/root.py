"""A place in a container's files, held by descriptors."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from rung.kernel.errors import KernelError
from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOLVE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS


class Place:
    """``parent_fd`` is the directory that ``name`` is in; ``status`` its own (a link is a link)."""

    def __init__(self, root_fd: int, parent_fd: int, name: str, status: os.stat_result) -> None:
        self.root_fd, self.parent_fd, self.name, self.status = root_fd, parent_fd, name, status

    @property
    def is_directory(self) -> bool:
        """Whether it is one, no link to one."""
        return stat.S_ISDIR(self.status.st_mode)

    def link_target(self) -> str:
        """Where a symbolic link leads; empty for what is none."""
        return os.readlink(self.name, dir_fd=self.parent_fd) if stat.S_ISLNK(self.status.st_mode) else ""


@contextmanager
def below(root: str, path: str, *, follow: bool = True) -> Iterator[Place | None]:
    """The place that ``path`` is below ``root``; None where nothing is. ``follow``: the last part as well."""
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    fds = [root_fd]
    try:
        found = _find(root_fd, path, follow, fds)
        yield found
    finally:
        for fd in fds:
            os.close(fd)


def _find(root_fd: int, path: str, follow: bool, fds: list[int]) -> Place | None:
    clean = os.path.normpath("/" + path.lstrip("/"))
    try:
        if follow or clean == "/":
            fd = openat2(root_fd, clean.lstrip("/") or ".", os.O_PATH, resolve=_RESOLVE)
            fds.append(fd)
            real = os.readlink(f"/proc/self/fd/{fd}")
            status = os.stat(f"/proc/self/fd/{fd}")
            if stat.S_ISDIR(status.st_mode):
                opened = openat2(fd, ".", os.O_RDONLY | os.O_DIRECTORY)
                fds.append(opened)
                return Place(root_fd, opened, ".", status)
            parent = os.path.dirname(real[len(os.readlink(f"/proc/self/fd/{root_fd}").rstrip("/")) :]) or "/"
            name = os.path.basename(real)
        else:
            parent, name = os.path.split(clean)
        parent_fd = openat2(root_fd, parent.lstrip("/") or ".", os.O_RDONLY | os.O_DIRECTORY, resolve=_RESOLVE)
        fds.append(parent_fd)
        return Place(root_fd, parent_fd, name, os.stat(name, dir_fd=parent_fd, follow_symlinks=False))
    except (KernelError, FileNotFoundError, NotADirectoryError):
        return None
