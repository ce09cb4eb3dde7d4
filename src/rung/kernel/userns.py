"""User namespaces: being root over one's own subordinate IDs. user_namespaces(7).

Rule: here are the calls; whose IDs are mapped is decided by the caller, and granted by
newuidmap(1), which knows /etc/subuid.
"""

from __future__ import annotations

from rung.kernel.libc import failed, library

CLONE_NEWNS, CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_REC, _MS_SLAVE = 0x4000, 0x8_0000
_ALL = 4294967295


def is_initial() -> bool:
    """Whether this is the host's user namespace, in which every ID is itself."""
    try:
        with open("/proc/self/uid_map", "rb") as file:
            return file.read().split() == [b"0", b"0", b"%d" % _ALL]
    except FileNotFoundError:  # a kernel without them
        return True


def enter_new() -> None:
    """Move this process, which must have one thread, into a new user and mount namespace of its own.

    Its IDs are nobody's until they are mapped; mounts made in it stay in it."""
    if library().unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0:
        hint = "are user namespaces switched off? see sysctl user.max_user_namespaces"
        raise failed("unshare", "CLONE_NEWUSER|CLONE_NEWNS", hint=hint)


def keep_mounts_inside() -> None:
    """See the host's mounts come and go, and show it none."""
    if library().mount(None, b"/", None, _MS_REC | _MS_SLAVE, None) < 0:
        raise failed("mount", "MS_REC|MS_SLAVE", "/")


