"""A netlink socket, here or in another network namespace, and conversations over it.

A socket belongs for ever to the namespace that its thread was in when it was made: so one thread goes there for a
moment, and the socket serves from anywhere.
"""

from __future__ import annotations

from _socket import SOCK_CLOEXEC, SOCK_RAW, socket

from rung import posix
from rung.kernel import rtnetlink
from rung.kernel.libc import failed, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_AF_NETLINK, _ROUTE = 16, 0
_CLONE_NEWNET = 0x40000000


class Netlink:
    """Ask the kernel about interfaces. A context."""

    def __init__(self) -> None:
        self._socket = socket(_AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _ROUTE)

    def ask(self, request: bytes) -> rtnetlink.Answer:
        """Send a request and read all of its answer. Raises ``NetlinkError``."""
        self._socket.send(request)
        answer = rtnetlink.Answer()
        while not answer.whole:
            answer.feed(self._socket.recv(1 << 16))
        return answer

    def index(self, name: str) -> int:
        """The number of an interface. Raises ``NetlinkError``."""
        return self.ask(rtnetlink.get_link(name)).links[0].index

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def inside(namespace: str, work: Callable[[], Any]) -> Any:
    """Do something in the network namespace at a path (``/proc/PID/ns/net``), in a thread that goes there. Sockets that
    it makes stay there."""
    from threading import Thread

    outcome: list[Any] = []
    failure: list[BaseException] = []

    def go() -> None:
        try:
            fd = posix.open(namespace, posix.O_RDONLY | posix.O_CLOEXEC)
            try:
                if library().setns(fd, _CLONE_NEWNET) < 0:
                    raise failed("setns", namespace)
            finally:
                posix.close(fd)
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            failure.append(error)

    thread = Thread(target=go, name="in another network")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
