"""systemd's side of a daemon: sockets that it hands over, and telling it when we are ready.

sd_listen_fds(3), sd_notify(3): both are a few environment variables and one datagram.
"""

from __future__ import annotations

import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

FIRST_FD = 3


def handed_over(environment: MutableMapping[str, str] | None = None) -> dict[str, list[socket.socket]]:
    """The sockets that we were started with, by their names (``FileDescriptorName=``), once: our children get none."""
    given = os.environ if environment is None else environment
    pid, count = given.pop("LISTEN_PID", ""), given.pop("LISTEN_FDS", "")
    names = given.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    found: dict[str, list[socket.socket]] = {}
    for at in range(int(count)):
        one = socket.socket(fileno=FIRST_FD + at)
        os.set_inheritable(one.fileno(), False)
        found.setdefault(names[at] if at < len(names) and names[at] else "unknown", []).append(one)
    return found


def notify(words: str, environment: Mapping[str, str] | None = None) -> bool:
    """``READY=1`` and its like; whether somebody was told."""
    address = (os.environ if environment is None else environment).get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        try:
            telling.sendto(words.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError:
            return False  # whoever listened there has gone: that is no reason not to serve
    return True
