"""A way to end long work from another thread: its next step raises, its waits end."""

from __future__ import annotations

import threading

from rung.image.errors import Cancelled


class Cancellation:
    """Given to work when it is begun; ``cancel`` may be called at any time, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """End the work at its next step."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether that was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` where the work is to end."""
        if self._event.is_set():
            raise Cancelled("transfer", "", "was cancelled")

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises ``Cancelled`` as soon as the work is to end."""
        self._event.wait(seconds)
        self.check()
