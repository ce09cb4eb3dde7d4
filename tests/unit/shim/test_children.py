"""Children that are waited for: to their end, or to a deadline."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rung.shim import children
from rung.shim.errors import ShimError
from rung.shim.runtimes import Settings, program


def start(*words: str) -> int:
    return children.held(lambda: os.posix_spawn(words[0], list(words), {}))


def test_a_child_that_ends_in_time_has_its_status() -> None:
    assert os.waitstatus_to_exitcode(children.waited(start("/bin/sh", "-c", "exit 3"), 60.0)) == 3


def test_a_child_that_does_not_end_is_killed_at_its_deadline() -> None:
    pid = start("/bin/sleep", "600")
    with pytest.raises(TimeoutError):
        children.waited(pid, 0.01)
    assert not os.path.exists(f"/proc/{pid}")
    assert not children.is_held(pid)


def test_a_runtime_that_never_returns_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(program, "RUNTIME_S", 0.2)
    with pytest.raises(ShimError, match="hangs.*has not ended within 0.2 s and was killed"):
        program.Program("one", Settings(program=str(hangs), bundle=str(tmp_path))).start()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hangs"], "its log is gone"
