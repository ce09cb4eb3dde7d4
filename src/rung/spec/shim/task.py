"""The Task service: requests and answers of its 17 methods, and the table of them.

containerd, api/runtime/task/v3/shim.proto; version 2 has the same messages under another package's name.
"""

from __future__ import annotations

from rung.spec.protobuf import Message, field
from rung.spec.shim.common import Anything, DeleteResponse, Mount, Timestamp

#: Both versions are served by one implementation.
SERVICES = ("containerd.task.v3.Task", "containerd.task.v2.Task")

# containerd.v1.types.Status
CREATED, RUNNING, STOPPED, PAUSED, PAUSING = 1, 2, 3, 4, 5

#: Kinds that ``Anything`` has in requests: JSON documents of the runtime specification.
PROCESS_URL = "types.containerd.io/opencontainers/runtime-spec/1/Process"
RESOURCES_URL = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
DETAILS_URL = "containerd.runc.v1.ProcessDetails"


class Empty(Message):
    """google.protobuf.Empty."""


class OfTask(Message):
    """A request about a task as a whole."""

    id: str = field(1)


class OfProcess(Message):
    """A request about a process: the init where ``exec_id`` is empty."""

    id: str = field(1)
    exec_id: str = field(2)


class CreateTaskRequest(Message):
    id: str = field(1)
    bundle: str = field(2)
    rootfs: list[Mount] = field(3, Mount)
    terminal: bool = field(4)
    stdin: str = field(5)
    stdout: str = field(6)
    stderr: str = field(7)
    checkpoint: str = field(8)
    parent_checkpoint: str = field(9)
    options: Anything | None = field(10, Anything)


class PidResponse(Message):
    """What create and start answer."""

    pid: int = field(1)


class ExecProcessRequest(Message):
    id: str = field(1)
    exec_id: str = field(2)
    terminal: bool = field(3)
    stdin: str = field(4)
    stdout: str = field(5)
    stderr: str = field(6)
    spec: Anything | None = field(7, Anything)


class ResizePtyRequest(Message):
    id: str = field(1)
    exec_id: str = field(2)
    width: int = field(3)
    height: int = field(4)


class StateResponse(Message):
    id: str = field(1)
    bundle: str = field(2)
    pid: int = field(3)
    status: int = field(4)
    stdin: str = field(5)
    stdout: str = field(6)
    stderr: str = field(7)
    terminal: bool = field(8)
    exit_status: int = field(9)
    exited_at: Timestamp | None = field(10, Timestamp)
    exec_id: str = field(11)


class KillRequest(Message):
    id: str = field(1)
    exec_id: str = field(2)
    signal: int = field(3)
    all: bool = field(4)


class CloseIORequest(Message):
    id: str = field(1)
    exec_id: str = field(2)
    stdin: bool = field(3)


class ProcessInfo(Message):
    pid: int = field(1)
    info: Anything | None = field(2, Anything)


class ProcessDetails(Message):
    """containerd.runc.v1.ProcessDetails: which exec a process is."""

    exec_id: str = field(1)


class PidsResponse(Message):
    processes: list[ProcessInfo] = field(1, ProcessInfo)


class CheckpointTaskRequest(Message):
    id: str = field(1)
    path: str = field(2)
    options: Anything | None = field(3, Anything)


class UpdateTaskRequest(Message):
    id: str = field(1)
    resources: Anything | None = field(2, Anything)
    annotations: dict[str, str] = field(3)


class WaitResponse(Message):
    exit_status: int = field(1)
    exited_at: Timestamp | None = field(2, Timestamp)


class StatsResponse(Message):
    stats: Anything | None = field(1, Anything)


class ConnectResponse(Message):
    shim_pid: int = field(1)
    task_pid: int = field(2)
    version: str = field(3)


class ShutdownRequest(Message):
    id: str = field(1)
    now: bool = field(2)


#: method -> (what it is asked with, what it answers)
METHODS: dict[str, tuple[type[Message], type[Message]]] = {
    "State": (OfProcess, StateResponse),
    "Create": (CreateTaskRequest, PidResponse),
    "Start": (OfProcess, PidResponse),
    "Delete": (OfProcess, DeleteResponse),
    "Pids": (OfTask, PidsResponse),
    "Pause": (OfTask, Empty),
    "Resume": (OfTask, Empty),
    "Checkpoint": (CheckpointTaskRequest, Empty),
    "Kill": (KillRequest, Empty),
    "Exec": (ExecProcessRequest, Empty),
    "ResizePty": (ResizePtyRequest, Empty),
    "CloseIO": (CloseIORequest, Empty),
    "Update": (UpdateTaskRequest, Empty),
    "Wait": (OfProcess, WaitResponse),
    "Stats": (OfTask, StatsResponse),
    "Connect": (OfTask, ConnectResponse),
    "Shutdown": (ShutdownRequest, Empty),
}
