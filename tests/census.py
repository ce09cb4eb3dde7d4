"""Counts what a test could leave on the machine: processes, mounts, cgroups, files, descriptors.

``conftest.nothing_left`` takes a census before and after a test. Processes are those
descended from this one, but for a warm runtime server, which may stay (``warmth.py``); ``adopt_orphans`` makes that exact, because what a dead runtime
leaves is then handed to us. Mounts and cgroups are the whole machine's, unless
``RUNG_TEST_NEIGHBOURS=1`` says that others work on it: then only mounts below the
test's own directories count, and cgroups not at all.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import warmth

PR_SET_CHILD_SUBREAPER = 36
STATE_PLACES = (Path("/run/rung"),)
FILTERS = "/run/rung/seccomp"

DEADLINE_S = 30.0


def adopt_orphans(yes: bool = True) -> None:
    """Make this process the one that orphaned descendants are handed to, or no longer."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


@dataclass(frozen=True)
class Census:
    """What there is at one moment, as sentences' worth of names."""

    processes: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    descriptors: frozenset[str]

    def more_than(self, before: Census) -> dict[str, list[str]]:
        """What is here and was not there before, by kind; empty when nothing is left."""
        kinds = [field.name for field in fields(self)]
        more = {kind: sorted(getattr(self, kind) - getattr(before, kind)) for kind in kinds}
        return {kind: names for kind, names in more.items() if names}


def take(places: Iterable[Path], own: Path) -> Census:
    """Count now. ``places``: directories whose files count; ``own``: the test's directory."""
    neighbours = os.environ.get("RUNG_TEST_NEIGHBOURS") == "1"
    mounts = _mounts()
    if neighbours:
        mounts = {mount for mount in mounts if f" {own}" in mount}
    return Census(
        frozenset(_descendants()),
        frozenset(mounts),
        frozenset(() if neighbours else _cgroups()),
        frozenset(str(file) for place in places for file in _below(place)),
        frozenset(_descriptors()),
    )


def settle(before: Census, places: Iterable[Path], own: Path) -> dict[str, list[str]]:
    """What stays left: waited for until a deadline, the kernel ends things in its own time."""
    places = list(places)
    until = time.monotonic() + DEADLINE_S
    while (left := take(places, own).more_than(before)) and time.monotonic() < until:
        time.sleep(0.02)  # there is no event for "the last of it is gone"
    return left


def _descendants() -> set[str]:
    """``pid name`` of every live descendant; finished orphans handed to us are reaped."""
    parents: dict[int, tuple[int, str, str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = Path("/proc", entry, "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            parents[int(entry)] = (int(rest[1]), rest[0], name)
    found: set[str] = set()
    family = {os.getpid()}
    while new := {pid for pid, (parent, _, _) in parents.items() if parent in family} - family:
        family |= new
        for pid in new:
            parent, state, name = parents[pid]
            if state == "Z" and parent == os.getpid():
                os.waitpid(pid, os.WNOHANG)
            elif warmth.is_server(pid):
                continue
            else:
                found.add(f"{pid} {name}")
    return found


def _mounts() -> set[str]:
    """``id on-what type`` of each mount of this mount namespace."""
    found = set()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        found.add(f"{words[0]} {words[4]} {words[words.index('-') + 1]}")
    return found


def _cgroups() -> set[str]:
    roots = [m.split()[1] for m in _mounts() if m.split()[2] in ("cgroup", "cgroup2")]
    return {folder for root in roots for folder, _, _ in os.walk(root)}


def _below(place: Path) -> Iterable[Path]:
    for folder, _, files in os.walk(place):
        if folder == warmth.DIRECTORY:
            continue
        if Path(folder) != place and folder != FILTERS:
            yield Path(folder)
        yield from (Path(folder, file) for file in files if not _is_filter(folder, file))


def _is_filter(folder: str, file: str) -> bool:
    """Compiled seccomp filters are kept for good; what is still being written is not one yet."""
    return folder == FILTERS and not file.startswith(".")


def _descriptors() -> set[str]:
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}")
        except FileNotFoundError:  # the listing's own
            continue
    return found
