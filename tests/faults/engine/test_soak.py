"""The short form of ``make soak``: one engine under every verb and random kills, and nothing is left afterwards.

``RUNG_SOAK_SECONDS`` says how long clients are at work. A run of 45 seconds takes about 70 seconds; the report in the
output of one that fails has its seed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = float(os.environ.get("RUNG_SOAK_SECONDS", "45"))
SEED = os.environ.get("RUNG_SOAK_SEED")
#: What the rest may take: the engine's starts, the last of what clients are at, what ends late.
REST_S = 180
SOAK = Path(__file__).resolve().parents[3] / "tools/soak/main.py"


@pytest.mark.timeout(SECONDS + REST_S + 60)
def test_a_short_soak(busybox: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = [sys.executable, str(SOAK), "--seconds", str(SECONDS), "--json", str(report)]
    words += ["--seed", SEED] if SEED else []
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS + REST_S, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    found = json.loads(report.read_text())
    print(done.stdout)
    assert found["lives"] > SECONDS, "it was at work"
    assert sum(found["kills"].values()) > SECONDS / 10
    assert {"client", "shim"} <= set(found["kills"])
