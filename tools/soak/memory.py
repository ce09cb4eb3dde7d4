"""Resident memory of the engine and its forks: Pss, in which a page that several share counts once."""

from __future__ import annotations

import engineparts
from soak.subject import Subject


def measure(subject: Subject) -> dict[str, int]:
    """KiB of the engine, of the zygote with what it has forked ahead, and of its workers."""
    assert subject.daemon is not None
    found = {"engine": _pss_kib(str(subject.daemon.pid)), "zygote": 0, "worker": 0}
    for pid in subject.processes():
        if engineparts.is_zygote(pid):
            found["worker" if engineparts.is_worker(pid) else "zygote"] += _pss_kib(pid)
    return found


def _pss_kib(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):  # it has ended
        return 0
