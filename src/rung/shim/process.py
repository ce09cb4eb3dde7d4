"""One process of a task, from its creation to its deletion: the container's init, or an exec.

Its life is the table below. An exit that comes while a start is still at work is told after the start: whoever
listens hears create, start, exit, delete in this order.
"""

from __future__ import annotations

from time import time_ns

from rung.shim.errors import FailedPrecondition, NotFound
from rung.spec.shim import task as messages
from rung.spec.shim.common import Timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.runtimes.remote import Remote
    from rung.shim.stdio.streams import Asked, Streams

CREATING, CREATED, STARTING, RUNNING, STOPPED, DELETING, DELETED = (
    "creating",
    "created",
    "starting",
    "running",
    "stopped",
    "deleting",
    "deleted",
)
#: state -> those that may follow
NEXT = {
    CREATING: (CREATED, DELETED),
    CREATED: (STARTING, STOPPED, DELETING),
    STARTING: (RUNNING, CREATED, STOPPED),
    RUNNING: (STOPPED,),
    STOPPED: (DELETING,),
    DELETING: (DELETED, STOPPED, CREATED),  # back again where it failed
    DELETED: (),
}
#: As containerd shows them.
SHOWN = {
    CREATING: messages.CREATED,
    CREATED: messages.CREATED,
    STARTING: messages.CREATED,
    RUNNING: messages.RUNNING,
    STOPPED: messages.STOPPED,
    DELETING: messages.STOPPED,
    DELETED: messages.STOPPED,
}


class Process:
    """``id`` is the exec's, empty for the init."""

    def __init__(self, task_id: str, exec_id: str, asked: Asked) -> None:
        self.task_id, self.id = task_id, exec_id
        self.asked = asked
        self.state = CREATING
        self.pid = 0
        self.exit_status = 0
        self.exited_at_ns = 0
        self.streams: Streams | None = None
        self.remote: Remote | None = None  # where it is no child of ours
        self._waiting: list[Callable[[], None]] = []

    @property
    def name(self) -> str:
        """What messages call it."""
        return f'"{self.task_id}"' if not self.id else f'"{self.id}" of "{self.task_id}"'

    @property
    def exited_at(self) -> Timestamp:
        """When it ended; Go's zero before."""
        return Timestamp.of(self.exited_at_ns)

    @property
    def ended(self) -> bool:
        """Whether it has run and runs no more."""
        return bool(self.exited_at_ns)

    def become(self, state: str) -> None:
        """The next state. Raises ``FailedPrecondition`` where the table does not have it."""
        if state not in NEXT[self.state]:
            raise FailedPrecondition("process", self.name, f"is {self.state}", f"it cannot be {state} next")
        self.state = state

    def require_running(self) -> None:
        """That a signal can reach it. Raises ``NotFound`` once it has ended, in the words that clients look for."""
        if self.ended:
            raise NotFound("process", self.name, "process already finished: not found")
        if not self.pid:
            raise FailedPrecondition("process", self.name, "is not started")

    def over(self, status: int) -> None:
        """It has ended."""
        self.exit_status = status
        self.exited_at_ns = time_ns()

    def tell_waiters(self) -> None:
        """Everybody who waits for the end may go on."""
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call it once the end has been told."""
        if self.state in (STOPPED, DELETING, DELETED):
            callback()
        else:
            self._waiting.append(callback)
