"""The two ways of the launcher, for tests: cold, unless ``RUNG_TEST_WARM=1`` asks for the warm one.

Nothing observable may differ between them, so whatever calls ``rung-runtime`` as a program is
run both ways (``make test``). A server stays when a test ends: that is its purpose.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import native
from rung.runtime.warm.start import DIRECTORY, SETTING, WORD, socket_path

__all__ = ["DIRECTORY", "is_server", "server_if_asked_for", "servers", "settle", "start"]


def asked_for() -> bool:
    """Whether this run of the tests is the warm one."""
    return os.environ.get("RUNG_TEST_WARM") == "1"


def settle() -> None:
    """Let every command of this run go one way."""
    if asked_for():
        os.environ.pop(SETTING, None)
    else:
        os.environ[SETTING] = "off"


def is_server(pid: int) -> bool:
    """Whether a process is a worker of a warm server."""
    try:
        return WORD.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def servers(home: Path) -> list[int]:
    """The workers of one tree's server, in this lane."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if is_server(pid) and _argument(pid, str(home)) and _in_our_lane(pid)]


def _in_our_lane(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _argument(pid: int, word: str) -> bool:
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def start(launcher: Path, home: Path, deadline_s: float = 60.0) -> Path:
    """Have a command leave a server behind, and wait until it listens: its socket."""
    environment = {name: value for name, value in os.environ.items() if name != SETTING}
    subprocess.run([launcher, "state", "nobody"], env=environment, capture_output=True, check=False, timeout=60)
    path = Path(socket_path(str(home), native.real_interpreter()))
    until = time.monotonic() + deadline_s
    while not path.exists():
        assert time.monotonic() < until, f"no warm server listens at {path}"
        time.sleep(0.01)  # it comes up in its own time, as nobody's child
    return path


def stop(home: Path) -> None:
    """End a tree's server."""
    for pid in servers(home):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def server_if_asked_for(launcher: Path, home: Path) -> Iterator[None]:
    """In the warm run, a server for the time of the tests."""
    if not asked_for():
        yield
        return
    start(launcher, home)
    try:
        yield
    finally:
        stop(home)
