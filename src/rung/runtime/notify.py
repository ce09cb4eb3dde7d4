"""sd_notify(3) across the container's edge, as runc has it: readiness is told from inside.

A service manager that starts the runtime names a socket in NOTIFY_SOCKET. The container cannot
reach that, and must not: whoever may write there may claim anything. It gets a socket of its own in
a directory mounted at /run/notify, and what it says there is heard for one line only, READY=1. That is
passed on, with the process that the manager shall watch and a barrier, so that the manager has
read all of it before the runtime ends.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.errors import RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Any

INSIDE = "/run/notify"
_NAME = "notify.sock"
_BARRIER_MS = 30_000


def inside(config: Any, directory: str) -> Any:
    """The configuration with the socket's directory mounted and its variable set."""
    mount = {
        "destination": INSIDE,
        "type": "bind",
        "source": directory,
        "options": ["bind", "nosuid", "noexec", "nodev", "ro"],
    }
    process = config["process"]
    env = [*(process.get("env") or ()), f"NOTIFY_SOCKET={INSIDE}/{_NAME}"]
    mounts = [*(config.get("mounts") or ()), mount]
    return {**config, "mounts": mounts, "process": {**process, "env": env}}


class Notifier:
    """Listens for a container from before it runs. ``host``: the service manager's socket."""

    def __init__(self, host: str, directory: str) -> None:
        from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, socket

        self._host = host
        self._ours: socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
        place = posix.open(directory, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
        try:  # a socket's address has room for 107 bytes, which the path may exceed
            path = f"/proc/self/fd/{place}/{_NAME}"
            self._ours.bind(path)
            posix.chmod(path, 0o777)
        except OSError as error:
            self._ours.close()
            raise RuntimeFailure("make", f"{directory}/{_NAME}", str(error.strerror)) from None
        finally:
            posix.close(place)

    def forward(self, pid: int, main_pid: int) -> None:
        """Wait until the container is ready, or its process ``pid`` has ended; tell the manager.

        ``main_pid``: the process that the manager shall watch from then on."""
        try:
            if self._ready(pid):
                self._tell(main_pid)
        finally:
            self._ours.close()

    def _ready(self, pid: int) -> bool:
        from select import POLLIN, poll

        try:
            pidfd = posix.pidfd_open(pid)
        except ProcessLookupError:
            return False
        waiter = poll()
        waiter.register(self._ours.fileno(), POLLIN)
        waiter.register(pidfd, POLLIN)
        try:
            while True:
                if self._ours.fileno() not in (fd for fd, _ in waiter.poll()):
                    return False  # what it said before it ended would have been read first
                if b"READY=1" in self._ours.recv(4096).split(b"\n"):
                    return True
        finally:
            posix.close(pidfd)

    def _tell(self, main_pid: int) -> None:
        from _socket import AF_UNIX, SCM_RIGHTS, SOCK_CLOEXEC, SOCK_DGRAM, SOL_SOCKET, socket
        from select import poll

        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
        read_end, write_end = posix.pipe()
        try:
            manager.connect("\0" + self._host[1:] if self._host.startswith("@") else self._host)
            manager.send(b"READY=1\n")
            manager.send(b"MAINPID=%d\n" % main_pid)
            manager.sendmsg([b"BARRIER=1"], [(SOL_SOCKET, SCM_RIGHTS, write_end.to_bytes(4, "little"))])
            posix.close(write_end)
            write_end = -1
            waiter = poll()
            waiter.register(read_end, 0)  # the manager closes the other end when it gets there
            waiter.poll(_BARRIER_MS)
        except OSError as error:
            raise RuntimeFailure("tell NOTIFY_SOCKET", self._host, str(error.strerror)) from None
        finally:
            manager.close()
            for fd in (read_end, write_end):
                if fd >= 0:
                    posix.close(fd)
