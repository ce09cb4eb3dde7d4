"""``events``: a container's resource usage again and again, and each kill for lack of memory.

One JSON document a line, in runc's shape. The kernel's news of a kill is waited for in a
thread of its own, which ends with the container; so does the command.
"""

from __future__ import annotations

import _thread

from rung.errors import RungError
from rung.runtime.cli.json_text import compact
from rung.runtime.cli.log import write_all
from rung.runtime.cli.options import Command, Flag
from rung.runtime.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.runtime.cli.main import Call

COMMAND = Command(
    "events",
    "<container-id>",
    "show resource usage and out-of-memory kills",
    "# rung-runtime events --stats web1",
    (
        Flag(("interval",), "duration", "time between two measurements, as 500ms, 5s, 1m (default: 5s)", 5.0),
        Flag(("stats",), "bool", "measure once and end", False),
    ),
    least=1,
    most=1,
)


def run(call: Call) -> int:
    interval_s = call.options["interval"]
    if interval_s <= 0:
        raise RungError("use --interval", f"{interval_s:g}s", "it must be greater than 0")
    container = call.runtime().get(call.arguments[0])
    if call.options["stats"]:
        print_event("stats", container.id, container.stats())
        return 0
    watcher = Watcher(container.id, container.oom_events())
    while not watcher.ended(interval_s):
        try:
            print_event("stats", container.id, container.stats())
        except StateError:
            break  # it has stopped since
    if watcher.failure is not None:
        raise watcher.failure
    return 0


class Watcher:
    """Prints an event for each kill; ``ended`` once there can be no more."""

    def __init__(self, container_id: str, kills: Iterable[int]) -> None:
        self.failure: RungError | None = None
        self._working = _thread.allocate_lock()
        self._working.acquire()
        _thread.start_new_thread(self._watch, (container_id, kills))

    def _watch(self, container_id: str, kills: Iterable[int]) -> None:
        try:
            for _ in kills:
                print_event("oom", container_id)
        except RungError as error:
            self.failure = error
        finally:
            self._working.release()

    def ended(self, timeout_s: float) -> bool:
        """Whether the container has ended; waits for it up to ``timeout_s``."""
        return self._working.acquire(timeout=timeout_s)


def print_event(kind: str, container_id: str, data: dict[str, Any] | None = None) -> None:
    """One line on standard output."""
    event: dict[str, Any] = {"type": kind, "id": container_id}
    if data is not None:
        event["data"] = data
    write_all(1, compact(event) + "\n")
