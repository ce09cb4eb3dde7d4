"""SIGKILL for the runtime or for rung-init, at any system call of any operation.

Of create: an init that dies makes create fail with a sentence, and nothing is left. A
runtime that dies takes an init that is not ready with it; ``delete --force`` removes the
rest, and the id is free again. Of start, exec, delete: whatever was reached, the state can
be asked for and ``delete --force`` ends it all.

An init that dies in create is tried at the first call of every step of the plan; of the rest
every STRIDE-th call is tried, from a first that moves with the process id, so that runs add
up. RUNG_TEST_EVERY=1 tries every call of everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from faults import tracer
from faults.subject import Subject, orphans
from kernel.runtime.bed import ended_within, reap
from rung.runtime import ContainerNotFound
from rung.runtime.plan import steps, text, wire

STRIDE = int(os.environ.get("RUNG_TEST_EVERY", "7"))

#: Configurations that between them have every kind of step.
ALL_STEPS: dict[str, Any] = {
    "process.oomScoreAdj": 500,
    "process.user": {"uid": 1000, "gid": 1000, "additionalGids": [5], "umask": 0o77},
    "process.cwd": "/tmp",
    "domainname": "example",
    "linux.sysctl": {"kernel.shmmni": "4096"},
    "process.scheduler": {"policy": "SCHED_BATCH"},
    "process.ioPriority": {"class": "IOPRIO_CLASS_BE"},
    "linux.memoryPolicy": {"mode": "MPOL_DEFAULT"},
    "linux.personality": {"domain": "LINUX"},
    "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW"},
    "linux.rootfsPropagation": "private",
    "hooks.createContainer": [{"path": "/bin/true"}],
}
WITH_USERS: dict[str, Any] = {
    "linux.namespaces": [{"type": kind} for kind in ("user", "mount", "pid", "ipc", "uts", "time", "cgroup")],
    "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.timeOffsets": {"monotonic": {"secs": 5}},
    "linux.devices": [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5}],
    "linux.resources": None,
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
        {"destination": "/mnt", "type": "bind", "source": "/etc", "options": ["rbind", "ro", "idmap"]},
        {"destination": "/home", "type": "tmpfs", "source": "tmpfs", "options": ["idmap"]},
    ],
}
CONFIGS = {"all steps": ALL_STEPS, "user namespace": WITH_USERS}


def moments(total: int) -> Iterator[int]:
    """Which calls to be killed at."""
    return iter(range(os.getpid() % STRIDE, total, STRIDE))


@pytest.fixture(params=CONFIGS)
def subject(bed, request) -> Iterator[Subject]:
    made = Subject(bed, CONFIGS[request.param])
    try:
        yield made
    finally:
        made.clean()
        orphans()
        os.close(made.null)


@pytest.fixture(autouse=True)
def _filters_are_cached(_sealed, busybox) -> None:
    """Compiled filters are kept for good: by the census's beginning they are there."""
    from rung.runtime.create import seccomp_program

    for edits in CONFIGS.values():
        seccomp_program({"linux": {"seccomp": edits.get("linux.seccomp")}})


def test_the_configurations_have_every_kind_of_step(bed):
    """But for those of joining, exec, terminals and users without privilege, which are tried in their own tests."""
    kinds = {type(step) for edits in CONFIGS.values() for step in bed.runtime.plan(str(bed.bundle(edits=edits))).steps}
    others = {
        steps.SetNamespace, steps.BecomeRoot, steps.Ready, steps.OpenConsole, steps.SetExecLabel,
        steps.MapIdsBy, steps.OfferNetlink, steps.DropRoot,
    }  # fmt: skip
    assert set(steps.kinds()) - kinds - others <= {steps.MakeDir, steps.Sync, steps.OwnStdio}


def test_init_is_killed_while_create_runs(subject):
    total = tracer.run(subject.create).count
    assert total > 100
    calls = wire.read_ledger(subject.plan(), with_calls=True).calls
    plan = wire.decode(subject.plan())
    sentences = {text.sentence(plan[call.step]) for call in calls}
    subject.clean()
    subject.nothing_left("after a create that went well")
    said = set()
    every = [(at, None) for at in range(total)]
    for at, now in every if STRIDE == 1 else [*every[:2], *subject.first_calls(calls), *every[-1:]]:
        fate = tracer.run(subject.create, "init", "init", -1 if now else at, now=now)
        assert not fate.killed
        if fate.failed:
            assert "killed" in fate.said or "died" in fate.said, (at, fate)
            assert "\n" not in fate.said
        else:  # it was told ready before: the container exists and has stopped
            assert fate.said == "", (at, fate)
            assert wire.read_ledger(subject.plan()).state == wire.READY, (at, fate)
            container = subject.bed.runtime.get(subject.id)
            if fate.hit == container.pid:  # else it was the outer one, as it ended anyway
                ended_within(container.pid)
                assert container.status == "stopped", (at, fate)
            subject.clean()
        subject.nothing_left(f"killed at call {at} of {total}")
        said.add(fate.said)
    assert len(said) > 0.8 * len(sentences), "each step's sentence was heard"


@pytest.mark.parametrize("victim", ["helper", "runtime"])
def test_a_helper_of_init_is_killed_or_the_runtime_beside_it(bed, victim):
    """The broker, and the processes that hold a user namespace for a moment: at each of their calls."""
    subject = Subject(bed, WITH_USERS)
    try:
        total = tracer.run(subject.create, "helper").count
        assert total > 5
        subject.clean()
        said = set()
        for at in range(total):
            fate = tracer.run(subject.create, "helper", victim, at)
            said.add(fate.said)
            assert "\n" not in fate.said
            subject.no_init_but_a_ready_one()
            subject.clean()
            subject.nothing_left(f"killed at a helper's call {at} of {total}")
        assert victim == "runtime" or any("the helper that opens it was killed" in words for words in said), said
    finally:
        os.close(subject.null)


@pytest.mark.parametrize("counted", ["init", "runtime"])
def test_the_runtime_is_killed_while_create_runs(subject, counted):
    total = tracer.run(subject.create, counted).count
    assert total > 60
    subject.clean()
    for at in moments(total):
        fate = tracer.run(subject.create, counted, "runtime", at)
        assert fate.killed or at > total - 20, (at, fate)
        subject.no_init_but_a_ready_one()
        subject.clean()
        subject.nothing_left(f"killed at call {at} of {total}")
    subject.create()
    subject.start()
    subject.clean()
    subject.nothing_left("the id is free again")


@pytest.mark.parametrize("victim", ["init", "runtime"])
@pytest.mark.parametrize("operation", ["start", "exec", "delete"])
def test_killed_while_it_does_something_else(subject, operation, victim):
    def prepared() -> None:
        subject.create()
        if operation != "start":
            subject.start()

    counted = "init" if operation == "exec" and victim == "init" else "runtime"
    prepared()
    total = tracer.run(getattr(subject, operation), counted).count
    subject.clean()
    if victim == "init" and operation != "exec":
        return init_is_gone(subject, operation, prepared)
    assert total > 20
    for at in moments(total):
        prepared()
        pid = subject.bed.runtime.get(subject.id).pid
        fate = tracer.run(getattr(subject, operation), counted, victim, at)
        assert fate.killed == (victim == "runtime") or at > total - 20, (at, fate)
        try:
            status = subject.bed.runtime.get(subject.id).state()["status"]
            assert status in {"start": ("created", "running"), "exec": ("running",)}.get(operation, (status,))
        except ContainerNotFound:
            assert operation == "delete"
        subject.clean()
        reap(pid)
        subject.nothing_left(f"killed at call {at} of {total}")
    return None


def init_is_gone(subject: Subject, operation: str, prepared) -> None:
    """The init dies before the operation looks at it."""
    prepared()
    os.kill(subject.bed.runtime.get(subject.id).pid, 9)
    fate = tracer.run(getattr(subject, operation))
    assert fate.failed == (operation == "start"), fate
    subject.clean()
    subject.nothing_left("an init that was gone")
