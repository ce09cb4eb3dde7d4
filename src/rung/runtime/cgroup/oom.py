"""Out of memory: how often, and being told.

v1 tells through an eventfd registered in cgroup.event_control; the same eventfd fires when
the cgroup is removed. v2's memory.events and cgroup.events wake whoever polls them: the
first when a process was killed, the second when the last process left.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.files import is_gone, read, write
from rung.runtime.cgroup.hierarchy import hierarchies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from select import epoll


def oom_kills(paths: Mapping[str, str]) -> int:
    """Kills so far; 0 where the cgroup is gone or nobody counts. v2 counts sub-cgroups too."""
    try:
        if "memory" in paths:
            return keyed(read(f"{paths['memory']}/memory.oom_control")).get("oom_kill", 0)
        return keyed(read(f"{paths['']}/memory.events")).get("oom_kill", 0) if "" in paths else 0
    except OSError as error:
        if is_gone(error):
            return 0
        raise failed("read", error) from None


def keyed(text: str) -> dict[str, int]:
    """A flat keyed file: ``name value`` lines."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found[name] = int(value)
    return found


def watch_oom(pid: int) -> OomWatch:
    """Of the cgroup that a process is in: any runtime's container. Raises ``CgroupError``."""
    return OomWatch(hierarchies(pid).own)


class OomWatch:
    """Iterate, and block until the cgroup runs out of memory, each time; ends when it is
    removed (v1) or empty (v2).

    Or poll ``fileno()`` for input and then ask ``read()``. Close it, or use ``with``."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._epoll: epoll | None = None
        self._files: list[int] = []
        try:
            if "memory" in paths:
                self._directory = paths["memory"]
                self._watch_v1()
            elif "" in paths:
                self._directory = paths[""]
                self._watch_v2()
            else:
                raise CgroupError("watch for out of memory", "", "this host has no memory controller")
        except OSError as error:
            self.close()
            raise failed("watch for out of memory in", error) from None

    def _watch_v1(self) -> None:
        control = posix.open(f"{self._directory}/memory.oom_control", posix.O_RDONLY | posix.O_CLOEXEC)
        self._files = [posix.eventfd(0, posix.EFD_CLOEXEC), control]
        write(f"{self._directory}/cgroup.event_control", f"{self._files[0]} {control}")

    def _watch_v2(self) -> None:
        from select import EPOLLPRI, epoll

        self._epoll = epoll()
        for name in ("memory.events", "cgroup.events"):
            self._files.append(posix.open(f"{self._directory}/{name}", posix.O_RDONLY | posix.O_CLOEXEC))
            self._epoll.register(self._files[-1], EPOLLPRI)
        self._kills = self._counted(0, "oom_kill")
        self._counted(1, "populated")  # polling tells of changes after a read

    def _counted(self, index: int, name: str) -> int:
        return keyed(posix.pread(self._files[index], 4096, 0).decode()).get(name, 0)

    def fileno(self) -> int:
        """Readable when ``read`` has an answer."""
        return self._epoll.fileno() if self._epoll is not None else self._files[0]

    def read(self) -> int | None:
        """Wait for the next event: how often it ran out of memory since, or None at the end.
        0 is possible: something else happened."""
        if self._epoll is None:
            times = posix.eventfd_read(self._files[0])
            return times if posix.exists(f"{self._directory}/cgroup.event_control") else None
        self._epoll.poll()
        return self._news()

    def look(self) -> int | None:
        """Like ``read``, but now: 0 where nothing has happened. What killed a process that has been waited for is
        among it, although v2 may not have woken anybody yet."""
        if self._epoll is not None:
            return self._news()
        from select import POLLIN, poll

        waiter = poll()
        waiter.register(self._files[0], POLLIN)
        return self.read() if waiter.poll(0) else 0

    def _news(self) -> int | None:
        try:
            kills = self._counted(0, "oom_kill")
            more, self._kills = kills - self._kills, kills
            return more if more or self._counted(1, "populated") else None
        except OSError as error:
            if is_gone(error):
                return None
            raise failed("read", error) from None

    def __iter__(self) -> OomWatch:
        return self

    def __next__(self) -> int:
        while not (times := self.read()):
            if times is None:
                self.close()
                raise StopIteration
        return times

    def close(self) -> None:
        """Give the descriptors back."""
        if self._epoll is not None:
            self._epoll.close()
        while self._files:
            posix.close(self._files.pop())

    def __enter__(self) -> OomWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
