"""Who a lease or a temporary directory belongs to: a process, told apart from a later one
with the same number by when it started and in which boot.
"""

from __future__ import annotations

import os

_boot = ""
_me = 0, ""


def boot_id() -> str:
    """This boot's identity."""
    global _boot
    if not _boot:
        with open("/proc/sys/kernel/random/boot_id") as file:
            _boot = file.read().strip().replace("-", "")[:16]
    return _boot


def started(pid: int) -> int | None:
    """When a process started (clock ticks after boot), or None where there is none, or a dead one
    that nobody has waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc_pid_stat(5): starttime is the 22nd field; the 2nd may hold blanks and brackets.
            fields = file.read().rpartition(b")")[2].split()
            return None if fields[0] in b"ZX" else int(fields[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def me() -> str:
    """This process as an owner."""
    global _me
    pid = os.getpid()
    if _me[0] != pid:  # at first, and in whoever was forked from us
        _me = pid, f"{boot_id()}-{pid}-{started(pid)}"
    return _me[1]


def alive(owner: str) -> bool:
    """Whether the process that ``me()`` named is still there."""
    boot, _, rest = owner.partition("-")
    pid, _, start = rest.partition("-")
    if not (pid.isdigit() and start.isdigit()):
        return False
    return boot == boot_id() and started(int(pid)) == int(start)
