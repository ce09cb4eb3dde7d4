"""A container that runs out of memory, told while it happens: TaskOOM, from which containerd's CRI has its reason.

Rule: one descriptor in the loop, and nothing else while all is well. Whoever is told of an end is told of the lack of
memory that caused it before: the end looks once more.
"""

from __future__ import annotations

from select import EPOLLIN

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.runtime import OomWatch
    from rung.shim.loop import Loop

    Watch = Callable[[int], OomWatch]


class MemoryWatch:
    """Calls ``tell`` each time the cgroup of ``pid`` has run out, until ``close``; where the host cannot say, never."""

    def __init__(self, loop: Loop, watch: Watch, pid: int, tell: Callable[[], None]) -> None:
        self._loop, self._tell = loop, tell
        self._watch: OomWatch | None = None
        try:
            self._watch = watch(pid)
        except RungError:  # no memory controller here, or the process has ended already
            return
        loop.watch(self._watch.fileno(), EPOLLIN, lambda _events: self.look())

    def look(self) -> None:
        """Tell what there is to tell."""
        if self._watch is None:
            return
        try:
            times = self._watch.look()
        except RungError:
            times = None
        if times:
            self._tell()
        elif times is None:
            self.close()

    def close(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._loop.forget(self._watch.fileno())
            self._watch.close()
            self._watch = None
