"""A task's root file system: what create is asked to mount at ``BUNDLE/rootfs``, and taking it away again.

mount(8)'s words become flags and data. Overlays go through the kernel's new interface, where each layer is an
argument of its own, so that hundreds fit. A mount below another one's root is placed inside it by ``openat2``: what an
image has there does not lead outside.
"""

from __future__ import annotations

from rung import posix
from rung.kernel import mount as kernel
from rung.kernel.errors import KernelError
from rung.kernel.path import openat2
from rung.shim.errors import ShimError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.spec.shim.common import Mount

_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC = 1, 32, 4096, 16384
#: mount(8)'s word -> flags of mount(2) to set and to clear.
_FLAGS = {
    "ro": (_MS_RDONLY, 0),
    "rw": (0, _MS_RDONLY),
    "nosuid": (2, 0),
    "suid": (0, 2),
    "nodev": (4, 0),
    "dev": (0, 4),
    "noexec": (8, 0),
    "exec": (0, 8),
    "noatime": (1024, 0),
    "nodiratime": (2048, 0),
    "relatime": (1 << 21, 0),
    "bind": (_MS_BIND, 0),
    "rbind": (_MS_BIND | _MS_REC, 0),
    "defaults": (0, 0),
}
_LOCKED = _MS_BIND | _MS_REC


def mount_rootfs(mounts: Sequence[Mount], rootfs: str) -> None:
    """Make them, one upon the other; none stays where one fails. Raises ``ShimError``."""
    posix.makedirs(rootfs, 0o711, exist_ok=True)
    try:
        for one in mounts:
            _mount_at(one, rootfs)
    except KernelError as error:
        unmount_rootfs(rootfs)
        raise ShimError("mount root file system", f'"{rootfs}"', str(error)) from error


def _mount_at(one: Mount, rootfs: str) -> None:
    if not one.target:
        _mount(one, rootfs)
        return
    root_fd = posix.open(rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        target_fd = openat2(root_fd, one.target.lstrip("/") or ".", posix.O_PATH)
    finally:
        posix.close(root_fd)
    try:
        _mount(one, f"/proc/self/fd/{target_fd}")
    finally:
        posix.close(target_fd)


def _mount(one: Mount, target: str) -> None:
    flags, data = mount_options(one.options)
    if one.type == "bind":
        flags |= _MS_BIND
    if one.type == "overlay":
        layers = {"lowerdir": "", "upperdir": "", "workdir": ""}
        rest = []
        for word in data:
            key, _, value = word.partition("=")
            if key in layers:
                layers[key] = value
            else:
                rest.append(word)
        lowers = layers["lowerdir"].split(":")
        kernel.mount_overlay(lowers, layers["upperdir"] or None, layers["workdir"] or None, target, rest, flags & 0xF)
        return
    kernel.mount(one.source, target, one.type, flags, ",".join(data))
    if flags & _MS_BIND and flags & ~_LOCKED:  # a bind takes flags only when it is mounted again
        kernel.mount("", target, "", flags & ~_MS_REC | _MS_REMOUNT)


def mount_options(words: Sequence[str]) -> tuple[int, list[str]]:
    """mount(8)'s words as ``(flags, data)``."""
    flags, data = 0, []
    for word in words:
        if word in _FLAGS:
            setting, clearing = _FLAGS[word]
            flags = flags & ~clearing | setting
        else:
            data.append(word)
    return flags, data


def unmount_rootfs(rootfs: str) -> None:
    """Take away all that is mounted there; nothing to do where nothing is."""
    while posix.isdir(rootfs) and kernel.is_mountpoint(rootfs):
        kernel.umount(rootfs, kernel.MNT_DETACH)
