"""Leaving a server behind, and being it.

A command that found none starts its interpreter once more, on ``boot.py`` with a word of its own. The lock on
``NAME.lock`` says that there is one: it is taken before the start, inherited, and kept while a worker lives.
"""

from __future__ import annotations

import fcntl
import sys
from time import monotonic

from rung import posix

DIRECTORY = "/run/rung/warm"
SETTING = "RUNG_WARM"
WORD = "--warm-server"  # as boot.py has it
LOCK_FD = 3
CHECK_S = 1.0
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
#: Commands that a server can carry out.
SERVED = frozenset("create start state kill delete run exec list pause resume ps update".split())
#: Imported lazily by commands, and not worth a server's memory.
NOT_IMPORTED = (
    "rung.runtime.boot",
    "rung.runtime.checkpoint",
    "rung.runtime.cli.checkpoint",
    "rung.runtime.cli.criu_flags",
    "rung.runtime.cli.restore",
    "rung.runtime.pack",
    "rung.runtime.plan.restore",
    "rung.runtime.seccomp.numbers.",
)


def wanted(words: list[str]) -> bool:
    """Whether the setting, the user, a command line and the namespaces allow one."""
    allowed = posix.getenv(SETTING) not in ("off", "0") and posix.geteuid() == 0
    return allowed and not SERVED.isdisjoint(words) and _at_home()


def _at_home() -> bool:
    """Whether this process is where process 1 is, as far as that may be seen. A server in any
    other namespace would keep it alive, with its mounts and network devices, when its owner is long gone."""
    for name in NAMESPACES:
        try:
            if posix.readlink(f"/proc/1/ns/{name}") != posix.readlink(f"/proc/self/ns/{name}"):
                return False
        except OSError:
            continue
    return True


def socket_path(home: str, python: str) -> str:
    """Where the server of an installation listens: FNV-1a, as ``launcher/warm.c`` has it."""
    value = 0xCBF29CE484222325
    for byte in posix.fsencode(f"{home}\0{python}\0"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{DIRECTORY}/{value:016x}"


def leave_behind(home: str, boot: str) -> None:
    """Start a server, unless there is one."""
    python = posix.readlink("/proc/self/exe")
    try:
        posix.makedirs(DIRECTORY, 0o700, exist_ok=True)
        place = posix.stat(DIRECTORY)
        if place.st_uid != 0 or place.st_mode & 0o077:
            return  # somebody else's: no server of ours belongs there
        lock = posix.open(f"{socket_path(home, python)}.lock", posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC, 0o600)
    except OSError:  # a read-only /run, say: every command starts its own Python, as this one did
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    closed = [(posix.POSIX_SPAWN_CLOSE, fd) for fd in _inherited() if fd != LOCK_FD]
    posix.posix_spawn(
        python,
        [python, "-IS", "-Xutf8", boot, WORD, home],
        {},
        file_actions=[
            (posix.POSIX_SPAWN_DUP2, lock, LOCK_FD),
            *((posix.POSIX_SPAWN_OPEN, fd, "/dev/null", posix.O_RDWR, 0) for fd in range(3)),
            *closed,
        ],
        setsid=True,
        setsigdef=range(1, 32),
        setsigmask=(),
    )


def _inherited() -> list[int]:
    """Descriptors above the standard three that a started program would get: the caller's own."""
    found = []
    for name in posix.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            if fd > 2 and posix.get_inheritable(fd):
                found.append(fd)
        except OSError:  # the listing's own
            continue
    return found


def be_server(home: str) -> None:
    """The server's life. Its lock is descriptor 3."""
    from rung.runtime.warm.server import Server

    posix.chdir("/")
    posix.umask(0o022)
    posix.set_inheritable(LOCK_FD, False)
    leave_callers_cgroups()
    fresh = import_all(home)
    Server(socket_path(home, posix.readlink("/proc/self/exe")), fresh).run()


def leave_callers_cgroups() -> None:
    """Go to the top of every hierarchy: the cgroup that the first caller was in must be free to end."""
    from rung.runtime.cgroup.hierarchy import hierarchies

    found = hierarchies()
    files = [f"{point}/tasks" for point in {*found.v1.values()}]
    for file in [*files, f"{found.v2}/cgroup.procs"] if found.v2 else files:
        try:
            fd = posix.open(file, posix.O_WRONLY | posix.O_CLOEXEC)
        except OSError:
            continue
        try:
            posix.write(fd, b"0")
        except OSError:  # not let out: then that cgroup lives until the server ends
            continue
        finally:
            posix.close(fd)


def import_all(home: str, but: tuple[str, ...] = ()) -> Freshness:
    """Import every module that a command may need, ``but`` those of these beginnings; of what is imported nothing is
    imported later from a changed source."""
    from rung.runtime.pack import modules

    sources = []
    for name, source, _ in modules(home):
        if not name.startswith((*NOT_IMPORTED, *but)):
            __import__(name)
            sources.append(source)
    return Freshness(sources)


class Freshness:
    """Whether sources are what they were, looked at once in ``CHECK_S`` at most."""

    def __init__(self, sources: list[str]) -> None:
        self._sources = sources
        self._was = self._look()
        self._looked = monotonic()

    def _look(self) -> list[tuple[int, int]]:
        found = []
        for source in self._sources:
            try:
                status = posix.stat(source)
                found.append((status.st_mtime_ns, status.st_size))
            except OSError:
                found.append((0, 0))
        return found

    def __call__(self) -> bool:
        if monotonic() - self._looked < CHECK_S:
            return True
        self._looked = monotonic()
        return self._look() == self._was


def main() -> None:
    """What ``boot.py`` calls for the word ``WORD``."""
    be_server(sys.argv[2])
