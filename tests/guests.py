"""pytest in the guest of ``tools/guest.py``, on these files with this interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import guest

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 400  # a tenth of it on an idle machine


def all_passed(*suite: str, at_least: int, systemd: bool = False) -> str:
    """Run tests in a guest and see that none failed; the end of what pytest said."""
    if reason := guest.lacking(systemd=systemd):
        pytest.skip(reason)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *suite]
    for _ in range(2):  # an emulated machine may fail to come up: it gets one more try, the tests do not
        done = subprocess.run(
            [
                *(sys.executable, ROOT / "tools/guest.py", "--timeout", str(TIMEOUT_S)),
                *(["--systemd"] if systemd else []),
                *("--", *command),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S + 60,
        )
        if done.returncode != guest.FAILED:
            break
    closing = f"{done.stdout[-6000:]}{done.stderr[-2000:]}\nstatus {done.returncode}"
    assert closing.endswith("status 0"), closing
    passed = re.search(r"(\d+) passed", closing)
    assert passed, closing
    assert int(passed[1]) >= at_least, closing
    return closing
