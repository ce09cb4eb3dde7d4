"""The loopback device of a restored network namespace.

CRIU makes an own network namespace empty, with ``lo`` down; create sets it up (``LinkUp``), so
restore does. It has to be before sockets are restored that are bound to 127.0.0.1.
"""

from __future__ import annotations

from rung import posix
from rung.kernel.libc import failed, library
from rung.undo import Closing

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914  # netdevice(7)
_IFF_UP_RUNNING = 0x41


def set_up(pid: int) -> None:
    """Set ``lo`` up in the network namespace of ``pid``. Raises ``KernelError``."""
    from _socket import AF_INET, SOCK_DGRAM, socket
    from fcntl import ioctl
    from struct import pack

    with Closing() as closing:
        own = closing.add(posix.open("/proc/thread-self/ns/net", posix.O_RDONLY | posix.O_CLOEXEC))
        other = closing.add(posix.open(f"/proc/{pid}/ns/net", posix.O_RDONLY | posix.O_CLOEXEC))
        _enter(other)
        try:  # a socket stays in the namespace that it was made in
            connection = socket(AF_INET, SOCK_DGRAM)
        finally:
            _enter(own)
        try:
            ioctl(connection.fileno(), _SIOCSIFFLAGS, pack("16sh14x", b"lo", _IFF_UP_RUNNING))
        finally:
            connection.close()


def _enter(namespace: int) -> None:
    if library().setns(namespace, _CLONE_NEWNET) < 0:
        raise failed("setns", namespace, "CLONE_NEWNET")
