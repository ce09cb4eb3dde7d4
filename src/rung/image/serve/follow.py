"""A blob that is given to clients while it is still being downloaded.

Rule: one download however many ask. What was written to the part's file may be sent, but for
the last piece, which is kept back until the digest has been verified: no client ever has the
whole of a blob that is not what it asked for.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A follower that hears nothing for so long gives up; the download itself gives up sooner.
_PATIENCE_S = 120.0


class Download:
    """One blob on its way: the ``Tap`` of its ingestion. ``size`` in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._came = 0
        self._there = 0
        self._is_done = False
        self._error: Exception | None = None
        self._changed = threading.Condition()

    def start(self, fetch: Callable[[Download], None]) -> None:
        """Download in a thread of its own; ``fetch`` returns when the blob is there and linked."""
        threading.Thread(target=self._run, args=(fetch,), name="download", daemon=True).start()

    def _run(self, fetch: Callable[[Download], None]) -> None:
        try:
            fetch(self)
        except Exception as error:  # noqa: BLE001 - it is raised again, to everyone who follows
            self._error = error
        with self._changed:
            self._is_done = True
            if self._error is None:
                self._there = self.size
            self._changed.notify_all()

    # --- the tap ---------------------------------------------------------------------

    def write(self, data: bytes | memoryview) -> None:
        """These bytes are about to be written; those before them have been."""
        with self._changed:
            self._there = max(self._there, self._came)
            self._came += len(data)
            self._changed.notify_all()

    def restart(self) -> None:
        """It begins again. What was sent of it stays right: it is the same digest."""
        with self._changed:
            self._came = 0

    # --- followers -------------------------------------------------------------------

    def begun(self) -> None:
        """Return when there is something to send. Raises what made the download fail before."""
        with self._changed:
            self._wait(0)
            if self._error is not None and not self._there:
                raise self._error

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges of the file that may be sent now, as they become so. Raises ``ConnectionError`` where
        there will be no more."""
        while start < end:
            with self._changed:
                self._wait(start)
                there = min(self._there, end)
            if there <= start:
                raise ConnectionError(f"the download has failed: {self._error or 'too slow'}")
            yield start, there
            start = there

    def _wait(self, beyond: int) -> None:
        self._changed.wait_for(lambda: self._there > beyond or self._is_done, _PATIENCE_S)
