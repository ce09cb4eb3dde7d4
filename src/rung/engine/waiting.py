"""Those that wait for something of a container."""

from __future__ import annotations

import asyncio

from rung.record import Record

NEXT_EXIT, NOT_RUNNING, REMOVED = "next-exit", "not-running", "removed"


class Outcome(Record):
    """What a wait comes to."""

    exit_code: int
    error: str = ""


class Waiting:
    """One container's waits, by their conditions."""

    def __init__(self) -> None:
        self._futures: dict[str, set[asyncio.Future[Outcome]]] = {}

    def future(self, condition: str) -> asyncio.Future[Outcome]:
        """One more that waits."""
        found: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._futures.setdefault(condition, set())
        waiting.add(found)
        found.add_done_callback(waiting.discard)
        return found

    def tell(self, conditions: tuple[str, ...], outcome: Outcome) -> None:
        """It has come."""
        for condition in conditions:
            for future in list(self._futures.get(condition, ())):
                if not future.done():
                    future.set_result(outcome)
