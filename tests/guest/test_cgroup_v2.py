"""The tests on the real kernel once more where there is nothing but cgroup v2.

One guest (``tools/guest.py``) runs pytest on the same files with the same interpreter; what
it says at the end is judged here. The guest has another kernel, the distribution's, so
this is a second kernel as well.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import guest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 180
#: What depends on the version of cgroups, and the life of a container on it.
SUITE = ("tests/kernel/cgroup", "tests/kernel/runtime", "tests/kernel/init")


@pytest.fixture(scope="module")
def closing() -> str:
    """The end of what pytest said in the guest."""
    if reason := guest.lacking():
        pytest.skip(reason)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *SUITE]
    for _ in range(2):  # an emulated machine may fail to come up: it gets one more try, the tests do not
        done = subprocess.run(
            [sys.executable, ROOT / "tools/guest.py", "--timeout", str(TIMEOUT_S), "--", *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S + 60,
        )
        if done.returncode != guest.FAILED:
            break
    return f"{done.stdout[-6000:]}{done.stderr[-2000:]}\nstatus {done.returncode}"


@pytest.mark.timeout(2 * TIMEOUT_S + 90)
def test_the_kernel_tests_pass_on_pure_cgroup_v2(closing: str) -> None:
    assert closing.endswith("status 0"), closing
    passed = re.search(r"(\d+) passed", closing)
    assert passed, closing
    assert int(passed[1]) > 200, closing
