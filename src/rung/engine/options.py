"""What somebody who runs a container may choose, as one value."""

from __future__ import annotations

from rung.record import Record


class RunOptions(Record):
    """The choices of ``rung run``; empty or zero means the image's or Docker's default."""

    command: tuple[str, ...] = ()
    entrypoint: str | None = None
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    hostname: str = ""
    network: str = "none"
    terminal: bool = False
    interactive: bool = False
    read_only: bool = False
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    memory_bytes: int = 0
    cpus: float = 0.0
    pids_limit: int = 0
