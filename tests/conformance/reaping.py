"""Run a program, and reap whatever it leaves behind the moment it ends.

    python3 reaping.py PROGRAM [ARGUMENT...]

The suites look with ``kill -0`` whether a container's processes are gone. Orphans go to process 1, and
not every process 1 (of a sandbox, of a container) reaps them at once: a zombie counts as there.

Where timeout(1) has ended the program, what it has left is killed: it would be in the way of whatever comes next.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
OUT_OF_TIME = (124, 137)  # timeout(1): it ended the program, or had to kill it
PATIENCE_S = 10.0


def main(words: list[str]) -> int:
    """The program's exit status."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own = os.posix_spawnp(words[0], words, os.environ)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == own:
            code = os.waitstatus_to_exitcode(status)
            code = code if code >= 0 else 128 - code
            if code in OUT_OF_TIME:
                kill_the_rest()
            return code


def kill_the_rest() -> None:
    """All that is below us: the children of what dies become ours, and are next. What cannot die is given up."""
    deadline = time.monotonic() + PATIENCE_S
    while (rest := _children()) and time.monotonic() < deadline:
        for pid in rest:
            os.kill(pid, signal.SIGKILL)  # a child that is not reaped yet keeps its pid
        time.sleep(0.05)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return


def _children() -> list[int]:
    return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
