"""Idmapped mounts: files that show other owners than the file system has. mount_setattr(2).

What stands on the disk as 0 is shown as the first ID that a user namespace maps, and what is written comes down as 0
again: one copy of a layer serves containers of any user namespace.
"""

from __future__ import annotations

import os
import subprocess
import sys
from struct import pack

from rung.kernel.libc import NR_MOUNT_SETATTR, failed, library, syscall
from rung.kernel.mount import open_tree_clone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOUNT_ATTR_IDMAP = 0x0010_0000
AT_EMPTY_PATH = 0x1000
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 4
_PROGRAM = """
import ctypes, os
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    os._exit(ctypes.get_errno())
os.write(1, b"x")
os.read(0, 1)
"""
_call: Callable[..., int] | None = None


def user_namespace(uids: Sequence[tuple[int, int, int]], gids: Sequence[tuple[int, int, int]]) -> int:
    """A descriptor of a user namespace with those maps (inside, outside, count), in which nobody is."""
    child = subprocess.Popen(
        [sys.executable, "-ISc", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=True
    )
    assert child.stdin is not None and child.stdout is not None
    with child:
        if child.stdout.read(1) != b"x":
            raise failed("unshare", "CLONE_NEWUSER", hint="see sysctl user.max_user_namespaces")
        for name, maps in (("uid_map", uids), ("gid_map", gids)):
            with open(f"/proc/{child.pid}/{name}", "w") as file:
                file.write("".join(f"{inside} {outside} {count}\n" for inside, outside, count in maps))
        return os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)


def idmapped(path: str, namespace: int) -> int:
    """A detached mount of a directory that shows its files as the namespace's. Raises ``KernelError``."""
    global _call
    if _call is None:
        _call = syscall(NR_MOUNT_SETATTR, "ipipi")
    fd = open_tree_clone(path)
    attributes = pack("=QQQQ", MOUNT_ATTR_IDMAP, 0, 0, namespace)
    if _call(fd, b"", AT_EMPTY_PATH, attributes, len(attributes)) < 0:
        error = failed("mount_setattr", "MOUNT_ATTR_IDMAP", path, hint="this file system or kernel maps no owners")
        os.close(fd)
        raise error
    return fd


def as_owner(uid: int, gid: int, work: Callable[[], object]) -> None:
    """Do something as an owner of files other than root, with root's capabilities, in a thread that ends with it.

    Where the host's root is not among an idmapped mount's owners it makes nothing there, capabilities or not
    (EOVERFLOW); and an overlay makes its work directory, and all that is copied up, as who mounted it. credentials(7),
    capabilities(7), SECBIT_NO_SETUID_FIXUP: these are a thread's own, and libc keeps them so."""
    from threading import Thread

    failure: list[BaseException] = []

    def go() -> None:
        try:
            if library().prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0) < 0:
                raise failed("prctl", "PR_SET_SECUREBITS")
            library().setfsgid(gid)
            library().setfsuid(uid)
            work()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            failure.append(error)

    thread = Thread(target=go, name="as owner")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
