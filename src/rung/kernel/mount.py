"""Mounts by descriptor: fsopen, fsconfig, fsmount, move_mount, and overlayfs in one call.

Rule: thin verbs, no policy. What the kernel writes into the file system context's log
is part of the error, because errno alone says EINVAL for a hundred reasons.
See fsopen(2), fsconfig(2), fsmount(2), move_mount(2), overlayfs.rst.
"""

from __future__ import annotations

from errno import EINVAL, ENODATA, ENOENT

from rung import posix
from rung.kernel.errors import KernelError
from rung.kernel.libc import (
    NR_FSCONFIG,
    NR_FSMOUNT,
    NR_FSOPEN,
    NR_MOVE_MOUNT,
    NR_OPEN_TREE,
    failed,
    last_errno,
    library,
    syscall,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AT_FDCWD = -100

FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
MOVE_MOUNT_F_EMPTY_PATH = 0x04
MOVE_MOUNT_T_EMPTY_PATH = 0x40
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = posix.O_CLOEXEC

MOUNT_ATTR_RDONLY = 0x01

MS_REMOUNT = 32
MS_BIND = 4096
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

#: ``fsconfig`` takes a string of at most this many bytes, its NUL included.
FSCONFIG_STRING_LIMIT = 256

_calls: dict[str, Callable[..., int]] = {}


def _call(name: str, number: int, letters: str) -> Callable[..., int]:
    bound = _calls.get(name)
    if bound is None:
        bound = _calls[name] = syscall(number, letters)
    return bound


def fsopen(fstype: str) -> int:
    """A context for a new file system of that type."""
    fd = _call("fsopen", NR_FSOPEN, "pi")(fstype.encode(), FSOPEN_CLOEXEC)
    if fd < 0:
        raise failed("fsopen", fstype)
    return fd


def context_log(fs_fd: int) -> str:
    """What the kernel has to say about a context: its pending messages, oldest first."""
    messages: list[str] = []
    while True:
        try:
            message = posix.read(fs_fd, 8192)
        except OSError as error:
            if error.errno == ENODATA:
                return "; ".join(messages)
            return "; ".join([*messages, f"log unreadable: {error.strerror}"])
        messages.append(message.decode("utf-8", "replace").strip())


def fsconfig(fs_fd: int, command: int, key: str | None = None, value: str | None = None) -> None:
    """One ``fsconfig`` call; the error carries the context's log."""
    key_bytes = None if key is None else key.encode()
    value_bytes = None if value is None else posix.fsencode(value)
    if _call("fsconfig", NR_FSCONFIG, "iippi")(fs_fd, command, key_bytes, value_bytes, 0) < 0:
        errno = last_errno()
        said = "=".join(part for part in (key, value) if part is not None) or "create"
        raise KernelError("fsconfig", (said,), errno, context_log(fs_fd))


def fsmount(fs_fd: int, attrs: int = 0) -> int:
    """A detached mount of a created file system."""
    fd = _call("fsmount", NR_FSMOUNT, "iii")(fs_fd, FSMOUNT_CLOEXEC, attrs)
    if fd < 0:
        errno = last_errno()
        raise KernelError("fsmount", (), errno, context_log(fs_fd))
    return fd


def open_tree(dir_fd: int, path: str, flags: int) -> int:
    """``open_tree(2)``: with OPEN_TREE_CLONE, a detached copy of the mount at ``path``."""
    fd = _call("open_tree", NR_OPEN_TREE, "ipi")(dir_fd, posix.fsencode(path), flags)
    if fd < 0:
        raise failed("open_tree", path)
    return fd


def move_mount(mount_fd: int, target: str | int) -> None:
    """Attach a detached mount at a path or at a directory's descriptor."""
    flags = MOVE_MOUNT_F_EMPTY_PATH
    at, path = (AT_FDCWD, posix.fsencode(target)) if isinstance(target, str) else (target, b"")
    if isinstance(target, int):
        flags |= MOVE_MOUNT_T_EMPTY_PATH
    if _call("move_mount", NR_MOVE_MOUNT, "ipipi")(mount_fd, b"", at, path, flags) < 0:
        raise failed("move_mount", target)


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    """``mount(2)``, for what the calls by descriptor do not serve."""
    given = [posix.fsencode(text) if text else None for text in (source, target, fstype)]
    if library().mount(*given, flags, posix.fsencode(data) if data else None) < 0:
        raise failed("mount", source or fstype, target)


def umount(path: str, flags: int = 0) -> None:
    """``umount2(2)``; the last link of ``path`` is never followed."""
    if library().umount2(posix.fsencode(path), flags | UMOUNT_NOFOLLOW) < 0:
        raise failed("umount2", path)


def is_mountpoint(path: str) -> bool:
    """Whether something is mounted at ``path``: it and its parent are in different mounts."""
    try:
        here = _mount_id_of(path, posix.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    return here != _mount_id_of(posix.dirname(posix.abspath(path)))


def _mount_id_of(path: str, flags: int = 0) -> int:
    fd = posix.open(path, posix.O_PATH | posix.O_CLOEXEC | flags)
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb") as info:
            for line in info:
                if line.startswith(b"mnt_id:"):
                    return int(line.split()[1])
    finally:
        posix.close(fd)
    raise KernelError("fdinfo", (path,), EINVAL)


class _Paths:
    """Files and directories as options can name them: by descriptor where the path is too long
    for one option or holds what the option's grammar means something by."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def name(self, path: str, *, always: bool = False) -> str:
        plain = len(posix.fsencode(path)) < FSCONFIG_STRING_LIMIT and not set(path) & set(":,\\")
        if plain and not always:
            return path
        try:
            self.held.append(posix.open(path, posix.O_PATH | posix.O_CLOEXEC))
        except OSError as error:
            raise KernelError("open", (path,), error.errno or ENOENT) from error
        return f"/proc/self/fd/{self.held[-1]}"

    def close(self) -> None:
        while self.held:
            posix.close(self.held.pop())


def create_overlay(
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    options: Sequence[str] = (),
    attrs: int = 0,
) -> int:
    """A detached overlay: a mount's descriptor. ``lowers`` are topmost first.

    Each lower is its own ``lowerdir+``, so that neither a page nor 256 bytes bounds how
    many there may be. Kernels before 6.7 answer EINVAL: see ``mount_overlay``."""
    paths = _Paths()
    fs_fd = fsopen("overlay")
    try:
        fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "overlay")
        for lower in lowers:
            fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir+", paths.name(lower))
        if upper is not None and work is not None:
            fsconfig(fs_fd, FSCONFIG_SET_STRING, "upperdir", paths.name(upper))
            fsconfig(fs_fd, FSCONFIG_SET_STRING, "workdir", paths.name(work))
        for option in options:
            key, equals, value = option.partition("=")
            if equals:
                fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value)
            else:
                fsconfig(fs_fd, FSCONFIG_SET_FLAG, key)
        fsconfig(fs_fd, FSCONFIG_CMD_CREATE)
        return fsmount(fs_fd, attrs)
    finally:
        posix.close(fs_fd)
        paths.close()


def create_erofs(index: str, device: str = "") -> int:
    """A detached, read-only EROFS from a file, with its files' data in another one if told so: a mount's descriptor.

    Kernels before 6.12, and file systems that cannot be read by page (tmpfs), answer ENOTBLK."""
    paths = _Paths()
    fs_fd = fsopen("erofs")
    try:
        fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", paths.name(index))
        if device:
            fsconfig(fs_fd, FSCONFIG_SET_STRING, "device", paths.name(device))
        fsconfig(fs_fd, FSCONFIG_CMD_CREATE)
        return fsmount(fs_fd, MOUNT_ATTR_RDONLY)
    finally:
        posix.close(fs_fd)
        paths.close()


def mount_overlay(
    lowers: Sequence[str],
    upper: str | None,
    work: str | None,
    target: str,
    options: Sequence[str] = (),
    attrs: int = 0,
) -> None:
    """Mount an overlay at ``target``."""
    try:
        fd = create_overlay(lowers, upper, work, options, attrs)
    except KernelError as error:
        # The first refusal of a kernel that has no ``lowerdir+`` is that very option.
        if error.errno == EINVAL and str(error.arguments[0]).startswith("lowerdir+="):
            mount_overlay_classic(lowers, upper, work, target, options, attrs)
            return
        raise
    try:
        move_mount(fd, target)
    finally:
        posix.close(fd)


def mount_overlay_classic(
    lowers: Sequence[str],
    upper: str | None,
    work: str | None,
    target: str,
    options: Sequence[str] = (),
    attrs: int = 0,
) -> None:
    """The same through ``mount(2)``, for kernels before 6.7. Its options are one page, so
    lowers go by descriptor: 18 bytes each, 200 of them fit whatever their paths are."""
    paths = _Paths()
    try:
        data = ["lowerdir=" + ":".join(paths.name(lower, always=True) for lower in lowers)]
        if upper is not None and work is not None:
            data += [f"upperdir={paths.name(upper, always=True)}", f"workdir={paths.name(work, always=True)}"]
        packed = posix.fsencode(",".join([*data, *options]))
        # MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC have the MOUNT_ATTR_* numbers.
        if library().mount(b"overlay", posix.fsencode(target), b"overlay", attrs, packed) < 0:
            raise failed("mount", "overlay", target)
    finally:
        paths.close()


def remount_read_only(target: str) -> None:
    """Make one mount read-only, whatever its file system is."""
    flags = MS_REMOUNT | MS_BIND | MOUNT_ATTR_RDONLY
    if library().mount(None, posix.fsencode(target), None, flags, None) < 0:
        raise failed("mount", "remount,bind,ro", target)


def open_tree_clone(path: str) -> int:
    """A detached mount that shows the directory at ``path``, to be attached elsewhere."""
    return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
