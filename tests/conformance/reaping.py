"""Run a program, and reap whatever it leaves behind the moment it ends.

    python3 reaping.py PROGRAM [ARGUMENT...]

The suites look with ``kill -0`` whether a container's processes are gone. Orphans go to process 1, and
not every process 1 (of a sandbox, of a container) reaps them at once: a zombie counts as there.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36


def main(words: list[str]) -> int:
    """The program's exit status."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own = os.posix_spawnp(words[0], words, os.environ)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == own:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
