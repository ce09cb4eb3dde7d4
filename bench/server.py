"""The runtime's warm server, seen from outside: its workers in this pid namespace."""

from __future__ import annotations

import os
from pathlib import Path

WORD = b"--warm-server"


def pids() -> list[int]:
    """Its workers."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if WORD in words:
                found.append(int(name))
    return found


def resident_kib() -> int:
    """What all of them have resident; what they share counts once."""
    return sum(_member(pid, "Pss:") for pid in pids())


def _member(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
