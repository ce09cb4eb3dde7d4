"""Everything of an engine that can be counted, as names: what is there after and was not there before is a leak."""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from soak.subject import Subject

SETTLES_S = 30.0
LASTS_S = 3.0
PIDFD_GETFD = 438
_IDS = re.compile(r"[0-9a-f]{12,64}|\b\d+\b")
#: What is kept on purpose: traces of the last containers (``engine/stories.py`` bounds them), and SQLite's own files.
_KEPT = re.compile(r"/run/stories(/|$)|\.db-(wal|shm)$|/log$")
_NOT_ENTERED = re.compile(r"/image/(snapshots|rootfs)/[^/]+/")

Names = dict[str, set[str]]


def take(subject: Subject) -> Names:
    """What there is now, by kind."""
    return {
        "left of containers": set(subject.left()),
        "mounts": {mount for mount in _mounts(subject) if f"{subject.folder}/" in mount},
        "cgroups": {folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"/{subject.folder.name}/" in folder},
        "network namespaces": _namespaces(subject),
        "interfaces": {one["ifname"] for one in _json(subject, "ip", "-j", "link")},
        "nftables": set(_rules(subject)),
        "files": set(_files(str(subject.folder))),
        "rows": set(_rows(subject)),
        "API": set(_listed(subject)),
    }


def compare(subject: Subject, before: Names) -> dict[str, list[str]]:
    """What is more than before, once the kernel and the engine have had time to end things."""
    end = time.monotonic() + SETTLES_S
    while True:
        now = take(subject)
        more = {kind: sorted(now[kind] - before[kind]) for kind in now if now[kind] - before[kind]}
        if not more or time.monotonic() > end:
            return more
        time.sleep(0.2)  # there is no event for "the last of it is gone"


def descriptors(pid: int) -> Counter[str]:
    """A process's descriptors by what they are, without numbers."""
    found: Counter[str] = Counter()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            found[_describe_socket(pid, int(fd)) if target.startswith("socket:") else _IDS.sub("*", target)] += 1
    return found


def lasting_descriptors(pid: int) -> Counter[str]:
    """Those that stay: a connection whose client has gone is closed soon, not at once."""
    found = descriptors(pid)
    end = time.monotonic() + LASTS_S
    while time.monotonic() < end:
        time.sleep(0.2)
        found &= descriptors(pid)
    return found


def _describe_socket(pid: int, fd: int) -> str:
    """Family, type and address of another process's socket, whatever network namespace it is in."""
    pidfd = os.pidfd_open(pid)
    try:
        duplicate = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    if duplicate < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    with socket.socket(fileno=duplicate) as found:
        name = found.getsockname()
        if found.family == socket.AF_UNIX and found.type == socket.SOCK_STREAM and not name:
            name = found.getpeername()
        if found.family in (socket.AF_INET, socket.AF_INET6):
            listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            return f"{found.family.name} {found.type.name} {name[0]}{' listens' if listens else ''}"
        return f"{found.family.name} {found.type.name} {_IDS.sub('*', str(name))}"


def _mounts(subject: Subject) -> Iterator[str]:
    """Mount points here and in the engine's mount namespace."""
    for entry in ("self", str(subject.daemon.pid) if subject.daemon else "self"):
        with open(f"/proc/{entry}/mountinfo") as file:
            yield from (line.split()[4] for line in file)


def _namespaces(subject: Subject) -> set[str]:
    """Network namespaces of its processes, and those that a descriptor of theirs holds."""
    found = set()
    for pid in subject.processes():
        with suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
            for fd in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                if target.startswith("net:"):
                    found.add(f"descriptor of {target}")
    return found


def _json(subject: Subject, *words: str) -> Any:
    done = subprocess.run(["nsenter", f"--net={subject.network}", *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _rules(subject: Subject) -> Iterator[str]:
    """Each thing of the rule set, each element by itself; handles are the kernel's numbers."""
    for entry in _json(subject, "nft", "-j", "list", "ruleset")["nftables"]:
        for kind, thing in entry.items():
            for element in thing.pop("elem", ()):
                yield f"{kind} {thing['name']}: {json.dumps(element)}"
            thing.pop("handle", None)
            if kind != "metainfo":
                yield f"{kind} {json.dumps(thing)}"


def _files(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _NOT_ENTERED.search(f"{place}/{name}/")]
        for name in (*files, *folders):
            path = os.path.join(place, name)
            if not _KEPT.search(path):
                yield path


def _rows(subject: Subject) -> Iterator[str]:
    """The rows of every table of the engine's and the image store's databases, by their first column."""
    for path in (subject.data / "engine/engine.db", subject.data / "image/metadata.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    yield f"{path.name} {table} {str(row[0])[:80]}"


def _listed(subject: Subject) -> Iterator[str]:
    """What the API lists."""
    yield from (f"container {one['Names']}" for one in subject.ask("GET", "/containers/json", {"all": True}))
    yield from (f"network {one['Name']}" for one in subject.ask("GET", "/networks"))
    yield from (f"volume {one['Name']}" for one in subject.ask("GET", "/volumes")["Volumes"] or ())
    yield from (f"image {one['RepoTags']} {one['Id']}" for one in subject.ask("GET", "/images/json", {"all": True}))
    yield from (f"lease {one}" for one in subject.ask("GET", "/rung/leases"))
