"""The plug-in, as another project's pytest finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TEST = """
def test_another():
    import sys
    assert "rung.client.blocking.client" not in sys.modules

def test_it(rung_container):
    rung_container("busybox")
"""


def test_without_an_engine_tests_are_skipped_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(TEST)
    words = [sys.executable, "-m", "pytest", "-rs", "-W", "error", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*words, "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
        env={**os.environ, "RUNG_HOST": f"unix://{tmp_path}/none.sock", "PYTEST_ADDOPTS": ""},
    )
    assert "1 passed, 1 skipped" in run.stdout, run.stdout + run.stderr
    assert f"connect to {tmp_path}/none.sock: no such file or directory (is rungd running?)" in run.stdout.replace("\n", "")
