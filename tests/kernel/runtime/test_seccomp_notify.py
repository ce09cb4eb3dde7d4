"""SCMP_ACT_NOTIFY: an agent gets the listener of each filter, and answers for the kernel."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from typing import Any

import pytest

from kernel.runtime.agent import agent
from kernel.runtime.bed import one_sentence, wait
from rung.errors import RungError
from rung.runtime import Stdio
from rung.runtime.seccomp.numbers import numbers_of

NUMBERS = numbers_of(os.uname().machine)
MKDIR = [call for call in ("mkdir", "mkdirat") if call in NUMBERS]
USERS: dict[str, Any] = {
    "linux.namespaces": [{"type": kind} for kind in ("user", "mount", "pid", "ipc", "uts", "network")],
    "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.resources": None,
}


def notifying(calls, path, private=True, **more) -> dict[str, Any]:
    """Edits of a configuration whose calls are notified to the agent at ``path``."""
    rule = {"names": list(calls), "action": "SCMP_ACT_NOTIFY"}
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule], **more}
    if path:
        seccomp["listenerPath"] = str(path)
    return {"linux.seccomp": seccomp, "process.noNewPrivileges": private}


def refusing(number: int) -> dict[int, int]:
    return {NUMBERS[call]: number for call in MKDIR}


@pytest.mark.parametrize("users", [{}, USERS], ids=["host users", "user namespace"])
@pytest.mark.parametrize("private", [True, False])
def test_the_agent_answers(bed, private, users):
    with agent(bed.folder / "agent", refusing(errno.EXDEV)) as asked:
        if users:
            for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
                folder.chmod(0o755)
            users = {**users, "root.path": str(bed.own_rootfs())}
        edits = {**users, **notifying(MKDIR, asked.path, private, listenerMetadata="meta")}
        outcome = bed.run("mkdir /dev/shm/x", {**edits, "annotations": {"a": "b"}})
    assert (outcome.status, "cross-device" in outcome.output.lower()) == (1, True), outcome
    (state,) = asked.states
    assert (state["fds"], state["metadata"], state["received"]) == (["seccompFd"], "meta", 1)
    assert state["state"]["status"] == "creating"
    assert state["state"]["annotations"] == {"a": "b"}
    assert state["state"]["pid"] == state["pid"] > 1
    assert asked.notified


@pytest.mark.parametrize("private", [True, False])
def test_every_call_that_init_makes_under_the_filter_may_be_asked_about(bed, private):
    """The agent has the listener before the first of them, so none waits for ever."""
    calls = [call for call in NUMBERS if call != "write"]
    with agent(bed.folder / "agent") as asked:
        outcome = bed.run(["true"], notifying(calls, asked.path, private))
    assert outcome.status == 0
    assert NUMBERS["execve"] in asked.notified


@pytest.mark.parametrize("private", [True, False])
def test_exec_has_a_listener_of_its_own(bed, private):
    with agent(bed.folder / "agent", refusing(errno.EXDEV)) as asked, ExitStack() as stack:
        container = stack.enter_context(bed.running(notifying(MKDIR, asked.path, private)))
        outcome = bed.exec(container, "mkdir /dev/shm/x", noNewPrivileges=private)
        init = container.pid
    assert "cross-device" in outcome.output.lower()
    created, executed = asked.states
    assert (created["pid"], created["state"]["pid"], executed["state"]["pid"]) == (init, init, init)
    assert executed["pid"] != init
    assert executed["state"]["status"] == "running"


@pytest.mark.parametrize("private", [True, False])
def test_once_the_agent_is_gone_calls_are_not_implemented(bed, private):
    """Nobody else holds the listener: not the init, not the runtime."""
    gate, opener = os.pipe()
    out = os.memfd_create("out")
    try:
        with agent(bed.folder / "agent") as asked:
            edits = notifying(MKDIR, asked.path, private)
            bundle = bed.bundle(["sh", "-c", "read x; mkdir /dev/shm/x 2>&1"], edits)
            container = bed.runtime.create(bed.new_id(), str(bundle), stdio=Stdio(gate, out, out))
            container.start()
        os.write(opener, b"\n")
        assert wait(container) == 1
        assert b"Function not implemented" in os.pread(out, 4096, 0)
        container.delete()
    finally:
        for fd in (gate, opener, out):
            os.close(fd)


def test_a_start_container_hook_gets_no_descriptor_more(bed):
    script = "test $(ls /proc/self/fd | wc -l) = 4"
    with agent(bed.folder / "agent") as asked:
        edits = notifying(MKDIR, asked.path)
        edits["hooks.startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", script]}]
        assert bed.run(["true"], edits).status == 0


def test_nobody_listens(bed):
    edits = notifying(MKDIR, bed.folder / "nobody")
    outcome = bed.call("run", "--bundle", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, "failed to connect with seccomp agent", "nobody", "No such file")
    edits = notifying(MKDIR, "@nobody-listens-here")
    outcome = bed.call("run", "--bundle", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, "failed to connect with seccomp agent", "@nobody", "refused")


def test_exec_where_nobody_listens(bed):
    with agent(bed.folder / "agent") as asked, bed.running(notifying(MKDIR, asked.path)) as container:
        asked.path.rename(bed.folder / "moved")
        try:
            with pytest.raises(RungError, match="failed to connect with seccomp agent"):
                bed.exec(container, "true")
        finally:
            (bed.folder / "moved").rename(asked.path)


def test_an_agent_named_by_an_annotation(bed):
    with agent(bed.folder / "agent", refusing(errno.EXDEV)) as asked:
        edits = {**notifying(MKDIR, ""), "annotations": {"run.oci.seccomp.receiver": str(asked.path)}}
        assert bed.run("mkdir /dev/shm/x", edits).status == 1
    assert len(asked.states) == 1


def test_without_notify_nobody_is_asked(bed):
    edits = notifying([], bed.folder / "nobody")
    edits["linux.seccomp"]["syscalls"] = []
    assert bed.run("mkdir /dev/shm/x", edits).status == 0


def test_waiting_can_be_killable(bed):
    with agent(bed.folder / "agent", refusing(errno.EXDEV)) as asked:
        edits = notifying(MKDIR, asked.path, flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
        assert bed.run("mkdir /dev/shm/x", edits).status == 1
    assert len(asked.states) == 1


@pytest.mark.parametrize("private", [True, False])
def test_hooks_run_under_a_profile_without_clone3(bed, private):
    """As Docker's, which refuses calls whose flags it cannot see."""
    rule = {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    edits = {
        "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]},
        "process.noNewPrivileges": private,
        "hooks.startContainer": [{"path": "/bin/true"}],
    }
    assert bed.run(["true"], edits).status == 0


def test_start_container_hooks_are_bound_by_the_filter(bed):
    rule = {"names": MKDIR, "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EXDEV}
    edits = {
        "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]},
        "hooks.startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/dev/shm/x"]}],
    }
    with bed.created(["true"], edits) as container, pytest.raises(RungError, match="cross-device"):
        container.start()
