"""Who may speak to the engine at a unix socket: root, who runs it, and members of one group.

The socket's mode says the same; this holds where the socket was passed on, bound into a container, or opened wider.
unix(7), SO_PEERCRED; socket(7), SO_PEERGROUPS.
"""

from __future__ import annotations

import os
import socket
from struct import unpack

from rung.engine.errors import EngineError
from rung.kernel.userns import is_initial

DEFAULT_GROUP = "rung"
_PEERGROUPS = 59


def group_id(name: str) -> int | None:
    """The group that was named, or ``rung`` where there is one; None: root alone. Raises ``EngineError``."""
    import grp

    if not is_initial():  # of an ordinary user's engine: no group of the host's is there, nor anybody but him
        return None
    try:
        return grp.getgrnam(name or DEFAULT_GROUP).gr_gid
    except KeyError:
        pass
    if name.isdecimal():
        return int(name)
    if name:
        raise EngineError(f"group {name}: there is none of that name: groupadd {name}")
    return None


def admitted(connection: socket.socket, group: int | None) -> bool:
    """Whether the process at the other end may use the engine. Other sockets than unix ones are TLS's business."""
    if connection.family != socket.AF_UNIX:
        return True
    _, user, primary = unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if user in (0, os.geteuid()):
        return True
    return group is not None and (group == primary or group in _groups(connection))


def peer_pid(connection: socket.socket) -> int:
    """The process at the other end of a unix socket, as this one sees it; 0 where it does not, or of other sockets."""
    if connection.family != socket.AF_UNIX:
        return 0
    pid: int = unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid


def _groups(connection: socket.socket) -> tuple[int, ...]:
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, _PEERGROUPS, 1024)
    except OSError:  # more than 256 groups, or a kernel before 4.13
        return ()
    return unpack(f"={len(found) // 4}I", found)
