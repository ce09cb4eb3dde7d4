"""The shim's one thread of events: descriptors, timers, children, and work done aside.

Rule: callbacks run here, one after another, and none of them waits. What takes its time (creating a container,
its hooks, CRIU) is done ``aside``, in a thread that lives as long as the work, and its outcome comes back here.
No asyncio: a pod's keeper is resident beside every container, and this is a tenth of it.

Children: the shim is a subreaper, so the container's orphans come to it as well. Those it knows are waited for by
their pidfds, those that the runtime starts and waits for (hooks, another runtime's program) are held (``children.py``),
and all others are reaped: but not while work is done that brings new ones, which nobody knows until it has ended.
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]
from heapq import heappop, heappush
from itertools import count
from select import EPOLLIN, epoll
from time import monotonic

from rung import posix
from rung.shim import children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Ready = Callable[[int], None]

_P_ALL, _WEXITED, _WNOWAIT = 0, 4, 0x01000000


class Timer:
    """Something that will happen, unless ``cancel`` is called before."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """It will not happen."""
        self.callback = None


class Loop:
    """Runs until ``stop``."""

    def __init__(self) -> None:
        self._epoll = epoll()
        self._ready: dict[int, Ready] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._soon: deque[Callable[[], None]] = deque()
        self._wake_reader, self._wake_writer = posix.pipe2(posix.O_NONBLOCK | posix.O_CLOEXEC)
        self.watch(self._wake_reader, EPOLLIN, self._woken)
        self._children: dict[int, int] = {}  # pid -> pidfd
        self._bringing = 0
        self._orphans = False
        self._running = False

    # --- descriptors and time ---------------------------------------------------------

    def watch(self, fd: int, events: int, ready: Ready) -> None:
        """Call ``ready(events)`` while something of ``events`` is so of ``fd``; again to change either."""
        if fd in self._ready:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._ready[fd] = ready

    def forget(self, fd: int) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._ready.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def watched(self, fd: int) -> bool:
        """Whether it is watched."""
        return fd in self._ready

    def soon(self, callback: Callable[[], None]) -> None:
        """Call it after what is being done now. From any thread."""
        self._soon.append(callback)
        self._wake()

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call it in so many seconds."""
        timer = Timer(callback)
        heappush(self._timers, (monotonic() + seconds, next(self._numbers), timer))
        return timer

    def _wake(self) -> None:
        try:
            posix.write(self._wake_writer, b".")
        except BlockingIOError:
            return  # it is full, so it will wake

    def _woken(self, _events: int) -> None:
        posix.read(self._wake_reader, 4096)

    def run(self) -> None:
        """Until ``stop``."""
        self._running = True
        while self._running:
            try:
                self._round()
            except Exception as bug:  # noqa: BLE001 - said, and gone on: containers depend on this process
                import traceback

                traceback.print_exception(bug)

    def _round(self) -> None:
        for fd, events in self._epoll.poll(self._patience()):
            ready = self._ready.get(fd)  # an earlier one may have taken it away
            if ready is not None:
                ready(events)
        self._call_due()
        while self._soon:
            self._soon.popleft()()
        if self._orphans and not self._bringing:
            self._reap_orphans()

    def stop(self) -> None:
        """``run`` returns when the callback at work has."""
        self._running = False
        self._wake()

    def _patience(self) -> float:
        if self._soon:
            return 0
        while self._timers and self._timers[0][2].callback is None:
            heappop(self._timers)
        return max(0.0, self._timers[0][0] - monotonic()) if self._timers else -1

    def _call_due(self) -> None:
        while self._timers and self._timers[0][0] <= monotonic():
            callback = heappop(self._timers)[2].callback
            if callback is not None:
                callback()

    # --- work -------------------------------------------------------------------------

    def aside(
        self, work: Callable[[], Any], done: Callable[[Any, BaseException | None], None], *, brings: bool = True
    ) -> None:
        """Do ``work`` in a thread of its own; then, here, ``done(result, None)`` or ``done(None, error)``. ``brings``:
        whether children may come of it that ``done`` is the first to hear of."""
        from _thread import start_new_thread

        self._bringing += brings
        start_new_thread(self._work, (work, done, brings))

    def _work(
        self, work: Callable[[], Any], done: Callable[[Any, BaseException | None], None], brings: bool
    ) -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is handed to who asked for the work
            failure = error
        self.soon(lambda: self._finished(done, result, failure, brings))

    def _finished(
        self,
        done: Callable[[Any, BaseException | None], None],
        result: object,
        failure: BaseException | None,
        brings: bool,
    ) -> None:
        self._bringing -= brings
        done(result, failure)

    # --- children ---------------------------------------------------------------------

    def child(self, pid: int, ended: Callable[[int], None]) -> None:
        """Call ``ended(exit status, or 128 and the signal's number)`` once, when the child of that pid has ended."""
        pidfd = posix.pidfd_open(pid)
        self._children[pid] = pidfd

        def over(_events: int) -> None:
            self.forget(pidfd)
            posix.close(pidfd)
            del self._children[pid]
            code = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
            ended(code if code >= 0 else 128 - code)

        self.watch(pidfd, EPOLLIN, over)

    def take_orphans(self) -> None:
        """Be told of every child that ends, and reap those that nobody waits for."""
        from _signal import SIGCHLD, set_wakeup_fd, signal  # type: ignore[import-not-found]

        signal(SIGCHLD, self._child_ended)
        set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)

    def _child_ended(self, _signal: int, _frame: object) -> None:
        self._orphans = True

    def _reap_orphans(self) -> None:
        """One after another, as long as the one that the kernel shows first is nobody's. Who waits for one that is held
        works aside, and its end comes here as well: then it is looked again."""
        self._orphans = False
        try:
            with children.lock:
                while found := posix.waitid(_P_ALL, 0, _WEXITED | posix.WNOHANG | _WNOWAIT):
                    if found.si_pid in self._children or children.is_held(found.si_pid):
                        self._orphans = True  # its own callback comes first, then it is looked again
                        return
                    posix.waitpid(found.si_pid, 0)
        except ChildProcessError:
            return
