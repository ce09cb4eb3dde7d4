"""Children that somebody in this process waits for by their pids: the loop, which reaps what comes to a subreaper,
leaves them alone.

Rule: a child that is waited for is started with ``held``, and waited for with ``waited``; there is no moment between
its birth and its being known.
"""

from __future__ import annotations

from _signal import SIGKILL  # type: ignore[import-not-found]
from _thread import allocate_lock
from select import POLLIN, poll

from rung import posix
from rung.runtime import Parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Taken by who looks for children that are nobody's.
lock = allocate_lock()
_held: set[int] = set()


def held(start: Callable[[], int]) -> int:
    """``start()``'s pid, which nobody else reaps from now on."""
    with lock:
        pid = start()
        _held.add(pid)
        return pid


def waited(pid: int, deadline_s: float | None = None) -> int:
    """Wait for a child: its status as ``waitpid`` gives it. One that has not ended by the deadline is killed. Raises
    ``ChildProcessError``, and ``TimeoutError`` after that."""
    try:
        if deadline_s is not None and not _ends_within(pid, deadline_s):
            posix.kill(pid, SIGKILL)
            posix.waitpid(pid, 0)
            raise TimeoutError
        return posix.waitpid(pid, 0)[1]
    finally:
        let_go(pid)


def _ends_within(pid: int, seconds: float) -> bool:
    pidfd = posix.pidfd_open(pid)
    try:
        waiting = poll()
        waiting.register(pidfd, POLLIN)
        return bool(waiting.poll(int(seconds * 1000)))
    finally:
        posix.close(pidfd)


def let_go(pid: int) -> None:
    """Nobody waits for it any more."""
    _held.discard(pid)


def is_held(pid: int) -> bool:
    """Whether somebody does. Under ``lock``."""
    return pid in _held


class Holding(Parent):
    """This process as the parent of what Rung's runtime starts in it."""

    def spawn(
        self,
        program: str | int,
        argv: Sequence[str],
        env: dict[str, str],
        fds: Sequence[tuple[int, int]],
        *,
        default_signals: bool = False,
    ) -> int:
        start = super().spawn
        return held(lambda: start(program, argv, env, fds, default_signals=default_signals))

    def wait(self, pid: int) -> int:
        return waited(pid)
