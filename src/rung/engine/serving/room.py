"""How much of the engine clients may take by connecting: descriptors, and time to say what they want.

Rule: half of what the engine may have open is its clients', the rest its own (logs, shims, images), so that no number
of clients keeps it from working or makes ``accept`` fail. A head must be there within five minutes, as with dockerd
(net/http's ``ReadHeaderTimeout``); a connection that has been answered and is idle stays for as long as it likes.
"""

from __future__ import annotations

import asyncio
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Timer(Protocol):
        """What can be called off."""

        def cancel(self) -> None: ...

    Later = Callable[[float, Callable[[], object]], Timer]

HEAD_S = 300.0
#: What a limit that is none is taken for: the kernel's own (``fs.nr_open``) by default.
_ENDLESS = 1 << 20
#: Listening sockets, the database, the zygote: no less than this is the engine's.
_LEAST = 64


def raise_limit() -> int:
    """Have as many descriptors open as this process is allowed; the soft limit that was, for containers: programs that
    walk over every possible descriptor, and those that use select(2), are slow or broken above it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


def for_clients(limit: int | None = None) -> int:
    """Of the descriptors that this process may have open (``limit``), those of clients."""
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        limit = _ENDLESS
    return max(1, min(limit // 2, limit - _LEAST))


class Room:
    """What is left of it. One serves all sockets of an engine. ``later``: the event loop's ``call_later``."""

    def __init__(self, descriptors: int, later: Later | None = None) -> None:
        self.left = descriptors
        self._later = later

    def take(self, count: int = 1) -> bool:
        """Whether there is room for so many more; it is taken then, until ``give_back``."""
        if self.left < count:
            return False
        self.left -= count
        return True

    def give_back(self, count: int = 1) -> None:
        """They are closed."""
        self.left += count

    def when_too_slow(self, action: Callable[[], object]) -> Timer:
        """Do that when the time for a head is over, unless it is called off."""
        later = self._later or asyncio.get_running_loop().call_later
        return later(HEAD_S, action)
