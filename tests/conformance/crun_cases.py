"""One case of a file of crun's test suite, by its name; ``crun_suite.sh`` runs it.

    python3 crun_cases.py CRUN/tests test_mounts.py            # the names, one a line
    python3 crun_cases.py CRUN/tests test_mounts.py mount-ro   # that case: a TAP line

The suite's own way to choose, ``RUN_TESTS``, has a list divided by blanks, which some names have.
Its ``test_mounts.py`` reads mountinfo by util-linux' Python binding, which Debian does not package:
where it is missing, the part that is used stands here.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace


class Table:
    """libmount's, of a file like /proc/self/mountinfo (proc_pid_mountinfo(5))."""

    def __init__(self, path: str) -> None:
        self._lines = [line.split() for line in Path(path).read_text().splitlines() if " - " in line]

    def find_target(self, target: str) -> SimpleNamespace | None:
        """What was mounted there last: the mount's own options, and its file system's."""
        for fields in reversed(self._lines):
            if fields[4] == target:
                return SimpleNamespace(vfs_options=fields[5], fs_options=fields[-1])
        return None


def main(words: list[str]) -> None:
    """Print the names in a file, or run the one case."""
    folder, file, *chosen = words
    sys.path.insert(0, folder)
    try:
        importlib.import_module("libmount")
    except ImportError:
        stand_in = ModuleType("libmount")
        stand_in.Table = Table  # type: ignore[attr-defined]
        sys.modules["libmount"] = stand_in
    cases = importlib.import_module(file.removesuffix(".py")).all_tests
    if not chosen:
        print(*cases, sep="\n")
        return
    importlib.import_module("tests_utils").tests_main({name: cases[name] for name in chosen})


if __name__ == "__main__":
    main(sys.argv[1:])
