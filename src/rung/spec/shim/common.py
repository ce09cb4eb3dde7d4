"""What several of containerd's messages are made of (google/protobuf, containerd's api/types)."""

from __future__ import annotations

from rung.spec.protobuf import Message, field


class Anything(Message):
    """google.protobuf.Any: a message or document with the name of its kind."""

    type_url: str = field(1)
    value: bytes = field(2)


class Timestamp(Message):
    """google.protobuf.Timestamp: since 1970, UTC."""

    seconds: int = field(1)
    nanos: int = field(2)

    @classmethod
    def of(cls, moment_ns: int) -> Timestamp:
        """The one of nanoseconds since 1970; 0 is a moment that has not come."""
        if not moment_ns:
            return cls(seconds=-62135596800)  # 0001-01-01, Go's zero time
        return cls(seconds=moment_ns // 1_000_000_000, nanos=moment_ns % 1_000_000_000)


class Mount(Message):
    """A mount to be made: ``target`` is below the root file system."""

    type: str = field(1)
    source: str = field(2)
    target: str = field(3)
    options: list[str] = field(4)


class DeleteResponse(Message):
    pid: int = field(1)
    exit_status: int = field(2)
    exited_at: Timestamp | None = field(3, Timestamp)
