"""A client that follows ``/events`` all the time, and connects again when the engine was killed."""

from __future__ import annotations

import threading
from contextlib import suppress

from rung.client import ClientError
from soak.record import Record
from soak.subject import Subject


class Events(threading.Thread):
    """Counts what it is told until ``stop``."""

    def __init__(self, subject: Subject, record: Record) -> None:
        super().__init__(name="events", daemon=True)
        self._subject, self._record = subject, record
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self._subject.await_answer()
            with suppress(ClientError, OSError), self._subject.client() as client, client.events() as stream:
                for event in stream:
                    action = str(event.get("Action", "")).partition(":")[0]
                    self._record.events[f"{event.get('Type')} {action}"] += 1
                    if self._over.is_set():
                        return

    def stop(self) -> None:
        """The next event, or the end of the engine, ends it."""
        self._over.set()
