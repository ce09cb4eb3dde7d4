"""``delete``: after every container, also one that was deleted in order, and after a shim that was killed.

What is left is taken away: the container with its processes, and its mounts. Where nothing is left that is said just
as well, with the exit status that a killed process has, for nobody else knows another.
"""

from __future__ import annotations

from time import time_ns

from rung import posix
from rung.files import read_file
from rung.shim.settings import recall
from rung.spec.shim.common import DeleteResponse, Timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.program.main import Arguments

_KILLED = 137


def delete(arguments: Arguments) -> DeleteResponse:
    """Take away what is left of the container ``arguments.id``."""
    bundle = arguments.bundle or posix.getcwd()
    used = recall(bundle)
    if used is not None and (used.program or posix.isdir(f"{used.root}/{arguments.id}")):
        from rung.shim.runtimes import runtime

        runtime(arguments.id, used).delete(force=True)
    if _may_be_mounted(f"{bundle}/rootfs"):
        from rung.shim.rootfs import unmount_rootfs  # which loads what is needed to mount

        unmount_rootfs(f"{bundle}/rootfs")
    return DeleteResponse(exit_status=_KILLED, exited_at=Timestamp.of(time_ns()))


def _may_be_mounted(path: str) -> bool:
    """Whether the table of mounts names it; it has blanks and their like in another form (proc_pid_mountinfo(5))."""
    plain = path.isascii() and not any(char in path for char in " \t\n\\#")
    return not plain or f" {path} ".encode() in read_file("/proc/self/mountinfo")
