"""May the server speak for this caller? Only where the caller could do itself all that the server can.

Rule: every answer but a sure yes is no, and costs the caller an interpreter's start.

Who reaches the socket is root by its file's mode. But root without a capability, in other namespaces, in
a chroot or under a filter is less than the server is, and must not become more by asking it: all of that is
compared with the server's own. A caller that is limited in files, memory or processor time would not have got
what the server does at its own expense. The caller is held by a pidfd, looked at, and then seen to be
alive still, so that the one who was looked at is the one who asked.
"""

from __future__ import annotations

from resource import RLIM_INFINITY, RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, prlimit
from select import POLLIN, poll

from rung import posix
from rung.files import read_file
from rung.runtime.warm.remote import peer
from rung.runtime.warm.start import NAMESPACES, SERVED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

#: Of /proc/PID/status: proc_pid_status(5).
_FIELDS = (b"Uid", b"Gid", b"CapPrm", b"CapEff", b"CapBnd", b"CapAmb", b"NoNewPrivs", b"Seccomp")
_UNLIMITED = (RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE)
_LEAST_FILES = 256  # a worker has a dozen open

#: Flags and words that mean the caller's own descriptors.
_OWN_FLAGS = ("-preserve-fds", "--preserve-fds")
_OWN_WORDS = ("/proc/self", "/proc/thread-self", "/dev/fd", "/dev/std")


def may_be_served(words: list[str], environment: dict[bytes, bytes], command: str) -> bool:
    """Whether a command line can be carried out by another process than the caller's."""
    if command not in SERVED or b"LISTEN_FDS" in environment or b"NOTIFY_SOCKET" in environment:
        return False
    return not any(
        word.startswith(_OWN_FLAGS) or any(own in word for own in _OWN_WORDS) for word in words
    )


class Servable:
    """What this process is, to compare callers with."""

    def __init__(self) -> None:
        self._own = _context("self")

    def __call__(self, connection: socket) -> bool:
        """Whether the process at the other end is our equal."""
        pid, uid = peer(connection)
        if uid != 0 or pid <= 0:
            return False
        try:
            pidfd = posix.pidfd_open(pid)
        except OSError:
            return False
        try:
            return _context(str(pid)) == self._own and not _limited(pid) and _alive(pidfd)
        except (OSError, ValueError):
            return False
        finally:
            posix.close(pidfd)


def _context(pid: str) -> tuple[object, ...]:
    """Namespaces, root, identity, privileges and confinement of a process."""
    status = read_file(f"/proc/{pid}/status")
    fields = []
    for name in _FIELDS:
        at = status.index(b"\n%b:" % name)
        fields.append(status[at : status.index(b"\n", at + 1)])
    root = posix.stat(f"/proc/{pid}/root/")
    return (
        *(posix.readlink(f"/proc/{pid}/ns/{name}") for name in NAMESPACES),
        root.st_dev,
        root.st_ino,
        *fields,
        _label(pid),
    )


def _label(pid: str) -> bytes:
    try:
        return read_file(f"/proc/{pid}/attr/current")
    except OSError:  # no security module answers here
        return b""


def _limited(pid: int) -> bool:
    if any(prlimit(pid, each)[0] != RLIM_INFINITY for each in _UNLIMITED):
        return True
    files = prlimit(pid, RLIMIT_NOFILE)[0]
    return files != RLIM_INFINITY and files < _LEAST_FILES


def _alive(pidfd: int) -> bool:
    waiter = poll()
    waiter.register(pidfd, POLLIN)
    return not waiter.poll(0)
