"""What a shim is begun with, and its socket.

Apart from ``keeper`` and ``server``, because who begins a shim has nothing else to do, and what it imports is its
whole time.
"""

from __future__ import annotations

from _socket import AF_UNIX, SOCK_STREAM, socket

from rung import posix
from rung.record import Record


class Keep(Record):
    """What a shim is begun with. ``events``: the socket that wants to hear, or empty; ``log``: a file or FIFO;
    ``story`` and ``trace``: the directory where it tells what it does, and the ``traceparent`` of who begins it."""

    socket: str
    namespace: str
    events: str = ""
    log: str = ""
    cgroup: str = ""
    story: str = ""
    trace: str = ""
    #: Where who does the runtime's work for it is asked for; empty: it does it itself.
    worker: str = ""


def listen(path: str) -> int:
    """A listening socket at ``path``, for its owner alone. Raises ``OSError`` where something is there."""
    listening = socket(AF_UNIX, SOCK_STREAM)
    before = posix.umask(0o177)
    try:
        listening.bind(path)
        listening.listen(64)
    except OSError:
        listening.close()
        raise
    finally:
        posix.umask(before)
    return listening.detach()


def answers(path: str) -> bool:
    """Whether somebody listens at ``path``."""
    probe = socket(AF_UNIX, SOCK_STREAM)
    try:
        probe.connect(path)
    except OSError:
        return False
    finally:
        probe.close()
    return True
