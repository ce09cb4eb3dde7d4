"""The engine's threads, one pool for each kind of work: nothing that may wait for somebody else shares a thread with
what others need (``docs/decisions/threads.md``).

    own     the engine's own quick work: database files, mounts, netlink, nftables.  At most ``OWN`` at a time.
    disk    long work on the engine's own disk: unpacking, committing, removing.  At most ``DISK`` at a time.
    apart   whatever may wait for a client, a registry or a file system that is not the engine's: a thread a call,
            bounded for each subject, so that a peer who stalls costs itself alone.

Rule: a function that reads or writes a socket, a pipe, or a path below a container's root or a volume runs ``apart``.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from rung.engine.errors import StalledError, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

OWN, DISK = 8, 4
#: Calls of one subject that may be under way at once, and of all subjects.
SUBJECT_LIMIT, TOTAL_LIMIT = 256, 4096
#: An idle thread ends after this time.
IDLE_S = 1.0
#: Of a thread's stack only what is touched costs memory; this much address space is enough for what runs here.
_STACK_BYTES = 1 << 20


class Threads:
    """One engine's."""

    def __init__(self) -> None:
        self._own = ThreadPoolExecutor(OWN, "engine")
        self._disk = ThreadPoolExecutor(DISK, "disk")
        self._apart = Spares()
        self._under_way: dict[str, int] = {}

    async def own(self, work: Callable[..., T], *args: Any) -> T:
        """Do something quick of the engine's own."""
        return await asyncio.get_running_loop().run_in_executor(self._own, work, *args)

    async def disk(self, work: Callable[..., T], *args: Any) -> T:
        """Do something long on the engine's own disk."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    async def apart(self, subject: str, work: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Do something that may wait for a peer or a foreign file system. ``subject``: whose sake it is for, in words
        for an error (``the files of container web``). After ``deadline_s`` the caller is let go; the thread stays until
        its call returns. Raises ``Unavailable`` where too many wait already, ``StalledError`` after the deadline."""
        future = self.start(subject, work, *args)
        if deadline_s is None:
            return await future
        done, _ = await asyncio.wait({future}, timeout=deadline_s)
        if not done:
            future.add_done_callback(_forget)
            raise StalledError(
                f"{subject} have not answered within {deadline_s:g} s: a file system there is stalled: unmount it"
            )
        return future.result()

    def start(self, subject: str, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """The same, begun. A caller that is cancelled leaves the work to come to its end."""
        under_way = self._under_way.get(subject, 0)
        if under_way >= SUBJECT_LIMIT or sum(self._under_way.values()) >= TOTAL_LIMIT:
            raise Unavailable(f"{subject}: {under_way} requests are under way already: end some, or try again later")
        self._under_way[subject] = under_way + 1
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            self._ended(subject)
            if future.done():  # the caller was cancelled
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def run() -> None:
            result, failure = None, None
            try:
                result = work(*args)
            except BaseException as error:  # noqa: BLE001 - it is handed to the caller
                failure = error
            try:
                loop.call_soon_threadsafe(settle, result, failure)
            except RuntimeError:  # the loop has been closed: the engine has ended
                return

        try:
            self._apart.run(run)
        except RuntimeError as error:  # no more threads
            self._ended(subject)
            raise Unavailable(f"{subject}: {error}") from None
        return future

    def _ended(self, subject: str) -> None:
        left = self._under_way[subject] - 1
        if left:
            self._under_way[subject] = left
        else:
            del self._under_way[subject]

    def close(self) -> None:
        """Wait for the engine's own work; what waits for others is left behind, and ends with the process."""
        self._own.shutdown()
        self._disk.shutdown()


def _forget(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


class Spares:
    """Threads for calls of any length: an idle one takes the next call, else a new one is started; each ends after
    ``IDLE_S`` without work. They keep no process from ending."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: deque[Callable[[], None]] = deque()
        self._idle = 0

    def run(self, call: Callable[[], None]) -> None:
        """Have it done at once. Raises ``RuntimeError`` where no thread can be started."""
        with self._changed:
            if self._idle > len(self._calls):
                self._calls.append(call)
                self._changed.notify()
                return
        before = threading.stack_size(_STACK_BYTES)
        try:
            threading.Thread(target=self._work, args=(call,), name="apart", daemon=True).start()
        finally:
            threading.stack_size(before)

    def _work(self, call: Callable[[], None] | None) -> None:
        while call is not None:
            call()
            call = self._next()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._calls:
                    if not self._changed.wait(IDLE_S) and not self._calls:
                        return None
                return self._calls.popleft()
            finally:
                self._idle -= 1
