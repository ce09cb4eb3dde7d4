"""What happens, told to whoever listens: Docker's events.

Rule: telling never waits. The last ``KEPT`` are kept for those who ask what was; a listener that does not read
loses its oldest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import time_ns

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any

KEPT = 256
_BEHIND = 4096


class Event(Record):
    """``kind``: container, image, network, volume, daemon; ``id`` and ``attributes`` of its object."""

    kind: str
    action: str
    id: str
    attributes: Mapping[str, str]
    moment_ns: int

    def document(self) -> dict[str, Any]:
        """As Docker's API has it; the lower case fields are those of its first versions."""
        found: dict[str, Any] = {
            "Type": self.kind,
            "Action": self.action,
            "Actor": {"ID": self.id, "Attributes": dict(self.attributes)},
            "scope": "local",
            "time": self.moment_ns // 1_000_000_000,
            "timeNano": self.moment_ns,
        }
        if self.kind in ("container", "image"):
            found = {"status": self.action, "id": self.id, **found}
        if self.kind == "container":
            found["from"] = self.attributes.get("image", "")
        return found


class Events:
    """The engine's."""

    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[Event]] = set()
        #: How many were told, ever.
        self.told = 0

    def tell(self, kind: str, action: str, id: str, attributes: Mapping[str, str]) -> None:
        """Something has happened."""
        event = Event(kind, action, id, dict(attributes), time_ns())
        self._kept.append(event)
        self.told += 1
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def past(self, since_ns: int, until_ns: int) -> list[Event]:
        """Those that are kept of a time."""
        return [event for event in self._kept if since_ns <= event.moment_ns <= until_ns]

    async def listen(self, since_ns: int | None = None) -> AsyncIterator[Event]:
        """What happens from now on, and before it what was since a moment."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_BEHIND)
        self._listeners.add(queue)
        try:
            for event in self.past(since_ns, time_ns()) if since_ns is not None else ():
                yield event
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
