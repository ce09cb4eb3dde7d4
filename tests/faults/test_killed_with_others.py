"""SIGKILL for the runtime or for rung-init while a third is in it: a seccomp agent, a device that moves.

As ``test_killed.py``, of create alone. The agent gets the listener or not, and goes on; a device that
was on its way is back on the host or has gone with the container's namespace, and never in a
container that nobody knows of.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from faults import tracer
from faults.subject import Subject, orphans
from kernel.runtime.agent import agent
from kernel.runtime.bed import ended_within, until

#: Every so manieth call; the first moves with the process id, so that runs add up.
STRIDE = 7 if os.environ.get("RUNG_TEST_EVERY") else 31
_numbers = itertools.count()


def tried(subject: Subject, victim: str, before: Callable[[], None], after: Callable[[tracer.Fate, str], None]) -> None:
    """Create, with the victim killed at this call and that."""
    before()
    total = tracer.run(subject.create, victim).count
    assert total > 100
    subject.clean()
    for at in range(os.getpid() % STRIDE, total, STRIDE):
        before()
        fate = tracer.run(subject.create, victim, victim, at)
        when = f"{victim} was killed at call {at} of {total}: {fate}"
        assert fate.killed == (victim == "runtime") or at > total - 20, when
        assert "\n" not in fate.said, when
        if victim == "runtime":
            subject.no_init_but_a_ready_one()
        elif not fate.failed:  # it had told that it is ready
            ended_within(fate.hit)
        after(fate, when)
        subject.clean()
        subject.nothing_left(when)


@pytest.fixture
def subject(bed) -> Iterator[Callable[[dict[str, Any]], Subject]]:
    made = []

    def make(edits: dict[str, Any]) -> Subject:
        made.append(Subject(bed, edits))
        return made[-1]

    yield make
    for one in made:
        one.clean()
        orphans()
        os.close(one.null)


@pytest.mark.parametrize("victim", ["init", "runtime"])
def test_a_seccomp_agent_gets_the_listener_or_does_not(bed, subject, victim):
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule], "listenerPath": str(bed.folder / "agent")}
    with agent(bed.folder / "agent") as asked:
        tried(subject({"linux.seccomp": seccomp}), victim, lambda: None, lambda _fate, _when: None)
        assert asked.states, "some had come so far"
        assert {state["received"] for state in asked.states} == {1}


@pytest.mark.skipif(shutil.which("ip") is None, reason="no ip: apt-get install iproute2")
@pytest.mark.parametrize("victim", ["init", "runtime"])
def test_a_device_comes_back_or_goes_with_the_namespace(subject, victim):
    name = f"rk{os.getpid() % 100000}x{next(_numbers)}"
    peer = f"{name}p"

    def there(device: str) -> bool:
        return os.path.exists(f"/sys/class/net/{device}")

    def make() -> None:
        if not there(name):
            until(lambda: not there(peer), "the pair has gone with the container's namespace")
            subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", peer], check=True)

    def back(fate: tracer.Fate, when: str) -> None:
        if fate.failed:  # the runtime lives, and gives it back
            assert there(name), when

    try:
        tried(subject({"linux.netDevices": {name: {"name": "moved0"}}}), victim, make, back)
    finally:
        subprocess.run(["ip", "link", "del", peer], capture_output=True)
