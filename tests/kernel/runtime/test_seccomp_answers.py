"""A filter may answer anything to what rung-init calls under it: that fails, it never hangs."""

from __future__ import annotations

import errno
import os

import pytest

from rung.errors import RungError

HOOK = [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 2}]
CASES = [*((name, None) for name in ("ppoll", "read", "execve")), *((name, HOOK) for name in ("ppoll", "waitid", "clone"))]


@pytest.mark.parametrize("number", [errno.EINTR, errno.EAGAIN])
@pytest.mark.parametrize(("name", "hooks"), CASES)
def test_no_answer_is_asked_for_again(bed, name, hooks, number, nothing_left):
    rule = {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": number}
    edits = {
        "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]},
        "process.noNewPrivileges": False,  # the filter is there before the wait for the start
        "hooks.startContainer": hooks,
    }
    outcome = bed.call("run", "-b", bed.bundle(["true"], edits), bed.new_id())
    assert outcome.status != 0, outcome
    said = outcome.error.lower()
    assert os.strerror(number).lower() in said or "it is stopped" in said  # where it died before it was looked at


def test_a_start_that_finds_nobody_any_more_says_why(bed, monkeypatch, nothing_left):
    """It looks whether the container waits, and then opens the gate: in between it may have died."""
    rule = {"names": ["ppoll"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EINTR}
    edits = {
        "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]},
        "process.noNewPrivileges": False,
    }
    container = bed.runtime.create(bed.new_id(), str(bed.bundle(["true"], edits)))
    try:
        os.waitpid(container.pid, 0)
        monkeypatch.setattr(container, "require", lambda _operation: "created")
        with pytest.raises(RungError, match=os.strerror(errno.EINTR)):
            container.start()
    finally:
        monkeypatch.undo()
        container.delete(force=True)


@pytest.mark.parametrize("unprivileged", [True, False], ids=["filter last", "filter before the wait"])
def test_a_filter_that_refuses_everything_even_the_end(bed, unprivileged, nothing_left):
    """exit is a call as well: whoever may not call it ends all the same, and does not ask for ever."""
    edits = {"linux.seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}, "process.noNewPrivileges": unprivileged}
    outcome = bed.call("run", "-b", bed.bundle(["true"], edits), bed.new_id())
    assert outcome.status != 0, outcome
