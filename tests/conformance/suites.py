"""Other projects' own suites, a file at a time, through a script for each (``runc_suite.sh`` and so on).

What fails with Rung and not with its peer is listed one by one, with the reason, in docs/conformance.md;
``known`` reads it there, so that the page cannot say anything else than the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/conformance.md"
TIMEOUT_S = 500
_LINE = re.compile(r"^(not )?ok \d+ (?:- )?(.*)$")
_TIME = re.compile(r" # (in )?\d[\d.]* ?(s|sec|ms)?$| # timeout.*$")
_SKIP = re.compile(r" *# ?skip", re.IGNORECASE)
_ROW = re.compile(r"^\| ([\w-]+\.(?:bats|py)) \| ((?:[^|]|\\\|)+?) \| (.+?) \|$")


@dataclass(frozen=True)
class Suite:
    """One peer's suite: where its checkout is named, its files, its script."""

    variable: str
    files_below: str
    pattern: str
    script: str
    peer: str

    @property
    def place(self) -> Path | None:
        named = os.environ.get(self.variable)
        return Path(named) if named else None

    def files(self) -> list[str]:
        """The names of its test files; none where there is no checkout."""
        place = self.place
        return sorted(path.name for path in (place / self.files_below).glob(self.pattern)) if place else []

    def run(self, runtime: Sequence[str | Path], file: str) -> dict[str, str]:
        """Each case of a file: ``ok``, ``skip`` or ``not ok``. ``runtime``: the program, words before it."""
        *before, program = runtime
        done = subprocess.run(
            [*before, HERE / self.script, program, file],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return cases(done.stdout)


RUNC = Suite("RUNG_RUNC_SUITE", "tests/integration", "*.bats", "runc_suite.sh", "runc")
CRUN = Suite("RUNG_CRUN_SUITE", "tests", "test_*.py", "crun_suite.sh", "crun")
DOCKER_PY = Suite("RUNG_DOCKER_PY_SUITE", "tests/integration", "*_test.py", "docker_py_suite.sh", "docker-py")
TESTCONTAINERS = Suite(
    "RUNG_TESTCONTAINERS_SUITE", "tests/core", "test_*.py", "testcontainers_suite.sh", "testcontainers-python"
)
#: crun refuses hybrid cgroups.
ONLY_V1 = ("unshare", "-m", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh")


def cases(tap: str) -> dict[str, str]:
    """The cases that a file's TAP tells of."""
    found = {}
    for line in tap.splitlines():
        match = _LINE.match(line)
        if match:
            name = _TIME.sub("", match[2])
            skipped = _SKIP.search(name)
            name = name[: skipped.start()] if skipped else name
            found[name.strip()] = "not ok" if match[1] else "skip" if skipped else "ok"
    return found


def known(page: str) -> Mapping[tuple[str, str], str]:
    """``(file, case)`` and the reason, of the tables of a page."""
    rows = (_ROW.match(line) for line in page.splitlines())
    return {(row[1], row[2].replace("\\|", "|")): row[3] for row in rows if row}
