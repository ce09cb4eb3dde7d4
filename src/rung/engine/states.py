"""The states of a container, and which may follow which.

    created -> running -> exited -> removing
                 |  ^        |
              paused restarting

Docker's names. ``dead`` is a container whose removal failed half way. What is true of a process is in the kernel and at
its shim; this is what the engine knows of it, and makes true again when it starts.
"""

from __future__ import annotations

from rung.engine.errors import Conflict

CREATED, RUNNING, PAUSED, RESTARTING, EXITED, REMOVING, DEAD = (
    "created",
    "running",
    "paused",
    "restarting",
    "exited",
    "removing",
    "dead",
)
#: state -> those that may follow it
NEXT = {
    CREATED: (RUNNING, EXITED, REMOVING, CREATED),  # exited: its start failed after it had begun
    RUNNING: (PAUSED, RESTARTING, EXITED),
    PAUSED: (RUNNING, EXITED, RESTARTING),
    RESTARTING: (RUNNING, EXITED, RESTARTING, REMOVING),
    EXITED: (RUNNING, REMOVING, EXITED, RESTARTING),
    REMOVING: (DEAD,),
    DEAD: (REMOVING,),
}
LIVE = (RUNNING, PAUSED)


def check(before: str, after: str, name: str) -> None:
    """Raises ``Conflict`` where the table does not have it."""
    if after not in NEXT[before]:
        raise Conflict(f"container {name} is {before}: it cannot become {after}")
