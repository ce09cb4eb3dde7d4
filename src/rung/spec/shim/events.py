"""What a shim tells containerd unasked: events, and the call that carries them.

containerd, api/events/task.proto and api/services/ttrpc/events/v1/events.proto. The order for one task is
create, start, exit, delete; an exec's exit comes before its init's.
"""

from __future__ import annotations

from rung.spec.protobuf import Message, field
from rung.spec.shim.common import Anything, Mount, Timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

SERVICE, METHOD = "containerd.services.events.ttrpc.v1.Events", "Forward"


class Event(Message):
    """One of the events below; ``topic`` is the last part of its topic, ``/tasks/...``."""

    topic: ClassVar[str] = ""


class TaskIO(Message):
    stdin: str = field(1)
    stdout: str = field(2)
    stderr: str = field(3)
    terminal: bool = field(4)


class TaskCreate(Event):
    topic = "create"
    container_id: str = field(1)
    bundle: str = field(2)
    rootfs: list[Mount] = field(3, Mount)
    io: TaskIO | None = field(4, TaskIO)
    checkpoint: str = field(5)
    pid: int = field(6)


class TaskStart(Event):
    topic = "start"
    container_id: str = field(1)
    pid: int = field(2)


class TaskDelete(Event):
    topic = "delete"
    container_id: str = field(1)
    pid: int = field(2)
    exit_status: int = field(3)
    exited_at: Timestamp | None = field(4, Timestamp)
    id: str = field(5)


class TaskExit(Event):
    topic = "exit"
    container_id: str = field(1)
    id: str = field(2)
    pid: int = field(3)
    exit_status: int = field(4)
    exited_at: Timestamp | None = field(5, Timestamp)


class TaskOOM(Event):
    topic = "oom"
    container_id: str = field(1)


class TaskExecAdded(Event):
    topic = "exec-added"
    container_id: str = field(1)
    exec_id: str = field(2)


class TaskExecStarted(Event):
    topic = "exec-started"
    container_id: str = field(1)
    exec_id: str = field(2)
    pid: int = field(3)


class TaskPaused(Event):
    topic = "paused"
    container_id: str = field(1)


class TaskResumed(Event):
    topic = "resumed"
    container_id: str = field(1)


class TaskCheckpointed(Event):
    topic = "checkpointed"
    container_id: str = field(1)
    checkpoint: str = field(2)


class Envelope(Message):
    timestamp: Timestamp | None = field(1, Timestamp)
    namespace: str = field(2)
    topic: str = field(3)
    event: Anything | None = field(4, Anything)


class ForwardRequest(Message):
    envelope: Envelope | None = field(1, Envelope)


def forward(event: Event, namespace: str, moment_ns: int) -> ForwardRequest:
    """The request that tells an event."""
    kind = Anything(type_url=f"containerd.events.{type(event).__name__}", value=event.encode())
    when = Timestamp.of(moment_ns)
    topic = f"/tasks/{event.topic}"
    return ForwardRequest(envelope=Envelope(timestamp=when, namespace=namespace, topic=topic, event=kind))


EVENTS: tuple[type[Event], ...] = (
    TaskCreate,
    TaskStart,
    TaskDelete,
    TaskExit,
    TaskOOM,
    TaskExecAdded,
    TaskExecStarted,
    TaskPaused,
    TaskResumed,
    TaskCheckpointed,
)


def opened(request: ForwardRequest) -> Event | None:
    """The event that a request tells; None for one that is not of a task."""
    envelope = request.envelope
    if envelope is None or envelope.event is None:
        return None
    name = envelope.event.type_url.rpartition(".")[2]
    for kind in EVENTS:
        if kind.__name__ == name:
            return kind.decode(envelope.event.value)
    return None
