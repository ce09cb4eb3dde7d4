"""What a test may not leave behind: cgroups, mounts and processes that carry its mark.

Others use the machine at the same time, so nothing is counted in total: a cgroup is ours
by its container's id, a mount or a process by the test's folder in its name.
"""

from __future__ import annotations

import os
from pathlib import Path


def cgroups(mark: str) -> list[str]:
    """Directories of the cgroup file systems with ``mark`` in their name."""
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found += [os.path.join(folder, name) for name in names if mark in name]
    return sorted(found)


def mounts(mark: str) -> list[str]:
    """Where a mount is whose line in the table names ``mark``."""
    table = Path("/proc/self/mountinfo").read_text()
    return [line.split(" ")[4] for line in table.splitlines() if mark in line]


def processes(mark: str) -> list[str]:
    """``PID COMMAND LINE`` of every other process that names ``mark``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has ended meanwhile.
        if mark in words:
            found.append(f"{entry.name} {words}")
    return found


def alive(process: Path) -> bool:
    """Whether ``/proc/PID`` is a process that has not ended."""
    try:
        return ") Z " not in (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def of(mark: str) -> list[str]:
    """Everything that is left, a line each."""
    return [
        *(f"cgroup {path}" for path in cgroups(mark)),
        *(f"mount {path}" for path in mounts(mark)),
        *(f"process {line}" for line in processes(mark)),
    ]
