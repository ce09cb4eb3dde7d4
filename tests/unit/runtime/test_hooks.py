"""A hook that Ctrl-C breaks off."""

from __future__ import annotations

import os

import pytest

from rung.runtime import parent
from rung.runtime.hooks import run_hook


class BrokenOff(parent.Parent):
    """Ctrl-C comes while it is waited for; the next wait finds that the first has taken its status."""

    pid = 0

    def wait(self, pid):
        if not self.pid:
            self.pid = pid
            raise KeyboardInterrupt
        assert os.waitstatus_to_exitcode(super().wait(pid)) == -9
        raise ChildProcessError


def test_its_status_may_have_gone_to_the_wait_that_was_broken_off(monkeypatch):
    broken = BrokenOff()
    monkeypatch.setattr(parent._in_force, "one", broken)
    with pytest.raises(KeyboardInterrupt):
        run_hook("createRuntime", 0, {"path": "/bin/sleep", "args": ["sleep", "1000"]}, {"id": "a"})
    with pytest.raises(ChildProcessError):
        os.waitpid(broken.pid, 0)
