"""Work in threads, and outcomes to wait for: what a pull needs of ``concurrent.futures``, whose import
brings logging along and takes a sixth of the time in which ``rung pull`` starts."""

from __future__ import annotations

import threading
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Job:
    """One piece of work. It runs once, or never where it was cancelled in time."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work: Callable[[], Any] | None = work
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, in this thread."""
        with self._lock:
            work, self._work = self._work, None
        if work is None:
            return
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self.error = error
        finally:
            self._ended.set()

    def cancel(self) -> bool:
        """Keep it from beginning; False where it has begun."""
        with self._lock:
            begun, self._work = self._work is None, None
        return not begun

    def wait(self, seconds: float | None = None) -> bool:
        """Until it has ended, or so long; whether it has."""
        return self._ended.wait(seconds)

    def result(self) -> Any:
        """What it gave, or the error it ended with."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self._result


class Jobs:
    """Up to ``limit`` at a time, in the order in which they were given. A context: leaving it
    waits for those that run."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self._waiting: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._lock = threading.Lock()

    def start(self, work: Callable[[], Any]) -> Job:
        """Have it done as soon as there is a thread for it."""
        job = Job(work)
        with self._lock:
            self._waiting.append(job)
            if self._running < self._limit:
                self._running += 1
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return job

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                job = self._waiting.popleft()
            job.run()

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()
