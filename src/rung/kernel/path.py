"""Opening paths that somebody else controls: ``openat2(2)``.

Rule: a path from an image, a bundle or a container is opened below a directory
descriptor with ``RESOLVE_IN_ROOT`` (links and ``..`` stop at that directory, as after
``chroot``) or ``RESOLVE_BENEATH`` (leaving it is an error), never as a string of the
host. Closes the class of CVE-2018-15664 and CVE-2021-30465.
"""

from __future__ import annotations

from errno import EAGAIN

from rung.kernel.libc import NR_OPENAT2, failed, last_errno, syscall
from rung.posix import O_CLOEXEC, fsencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

#: A rename or mount elsewhere may make the kernel unsure of a ``..``: it says try again.
_TRIES = 128

_openat2: Callable[..., int] | None = None
_how: dict[tuple[int, int, int], bytes] = {}


def openat2(dir_fd: int, path: bytes | str, flags: int, mode: int = 0, resolve: int = RESOLVE_IN_ROOT) -> int:
    """A descriptor of ``path`` below ``dir_fd``, close-on-exec. Raises ``KernelError``."""
    global _openat2
    if _openat2 is None:
        _openat2 = syscall(NR_OPENAT2, "ippi")
    key = (flags, mode, resolve)
    how = _how.get(key)
    if how is None:
        from struct import pack

        # struct open_how; shared and never written: the kernel only reads it.
        how = _how[key] = pack("=QQQ", flags | O_CLOEXEC, mode, resolve)
    name = fsencode(path)
    for _ in range(_TRIES):
        fd = _openat2(dir_fd, name, how, len(how))
        if fd >= 0:
            return fd
        if last_errno() != EAGAIN:
            break
    raise failed("openat2", name)


def read_below(root_fd: int, path: str, limit: int) -> str:
    """The text of a file below a root file system, up to ``limit`` bytes; empty where there is none.

    A pipe or a device there does not hold the reader up."""
    from errno import ENOENT, ENOTDIR
    from os import O_NONBLOCK, O_RDONLY, close, read

    from rung.kernel.errors import KernelError

    try:
        fd = openat2(root_fd, path, O_RDONLY | O_NONBLOCK)
    except KernelError as error:
        if error.errno in (ENOENT, ENOTDIR):
            return ""
        raise
    try:
        return read(fd, limit).decode("utf-8", "replace")
    finally:
        close(fd)
