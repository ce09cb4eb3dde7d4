"""Start the engine, because a command needs it and it does not run.

Several commands at once start one: a lock beside the socket lets one of them do it, the others find it running. What
the engine says goes to ``rungd.log`` there. It has nothing of its starter's: no terminal, no descriptors, no session.
"""

from __future__ import annotations

import fcntl
import select
import sys
import time

from rung import posix
from rung.cli.link.address import data_root
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_S = 60
_LOOK_MS = 5
#: What the launcher says for ``rungd``.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); sys.argv[0] = 'rungd'; "
    "from rung.cli.daemon import main; main()"
)


def begin(settings: Mapping[str, str], path: str) -> None:
    """Until it listens at ``path``. Raises ``RungError``."""
    folder = posix.dirname(path)
    try:
        posix.makedirs(folder, 0o711, exist_ok=True)
        lock = posix.open(f"{folder}/start.lock", posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RungError("start the engine", folder, (error.strerror or str(error)).lower()) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _listens(path):
            _wait(_start(settings, folder), path, folder)
    finally:
        posix.close(lock)


def _listens(path: str) -> bool:
    from rung.cli.link.engine import connected

    try:
        connected(path).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True


def words(settings: Mapping[str, str], folder: str) -> list[str]:
    """The daemon's command line."""
    home = posix.dirname(posix.dirname(posix.dirname(posix.dirname(__file__))))
    roots = ["--data-root", settings.get("data-root") or data_root(), "--run-root", folder]
    cgroup = settings.get("cgroup-parent")
    roots += ["--cgroup-parent", cgroup] if cgroup else []
    return [sys.executable, "-I", "-Xutf8", "-c", _PROGRAM, home, *roots]


def _start(settings: Mapping[str, str], folder: str) -> int:
    argv = words(settings, folder)
    pid: int = posix.fork()
    if pid:
        return pid
    try:
        posix.setsid()
        posix.chdir("/")
        null = posix.open("/dev/null", posix.O_RDWR)
        log = posix.open(f"{folder}/rungd.log", posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND, 0o600)
        for source, to in ((null, 0), (log, 1), (log, 2)):
            posix.dup2(source, to)
        posix.closerange(3, 1 << 16)
        posix.execv(argv[0], argv)
    finally:
        posix._exit(127)
    raise AssertionError


def _wait(pid: int, path: str, folder: str) -> None:
    ended = select.poll()
    fd = posix.pidfd_open(pid)
    ended.register(fd, select.POLLIN)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while not _listens(path):
            if ended.poll(_LOOK_MS):
                posix.waitpid(pid, 0)
                raise _failure(f"{folder}/rungd.log")
            if time.monotonic() > deadline:
                raise RungError("start the engine", "", "it does not answer", f"see {folder}/rungd.log")
    finally:
        posix.close(fd)


def _failure(log: str) -> RungError:
    """The last line that the daemon has written. Its own sentence says what to do; any other line needs the log."""
    try:
        with open(log, errors="replace") as file:
            lines = file.read().strip().splitlines()
    except OSError:
        lines = []
    last = lines[-1] if lines else "it has ended at once"
    sentence = last.removeprefix("rungd: ")
    return RungError("start the engine", "", sentence, "" if sentence != last else f"see {log}")
