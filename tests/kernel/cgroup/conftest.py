"""Cgroups of the test's own on the real hierarchies of this host, and processes to put in them.

Tests ask ``mode`` which form the host has. ``unified`` gives a v2 cgroup also where the
host is hybrid: what v2 does without controllers can be seen there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rung.runtime.cgroup import Cgroup, hierarchies, locate

#: Does what it is told, a line at a time, and answers with one line.
WORKER = """
import os, sys, subprocess
kept = []
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    try:
        if word == "open":
            os.close(os.open(rest, os.O_RDONLY | os.O_NONBLOCK))
        elif word == "fork":
            for _ in range(int(rest)):
                kept.append(subprocess.Popen(["sleep", "1000"]))
        elif word == "grow":
            kept.append(bytearray(b"x" * int(rest)))
        elif word == "mknod":
            path, major, minor = rest.split()
            os.mknod(path, 0o20600, os.makedev(int(major), int(minor)))
        print("ok", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


@pytest.fixture(scope="session")
def mode() -> str:
    return hierarchies().mode


@pytest.fixture(autouse=True)
def _controllers_given_back(mode: str) -> Iterator[None]:
    """What a test made a hybrid host enable on v2 is disabled again."""
    if mode != "hybrid":
        yield
        return
    path = Path(hierarchies().v2, "cgroup.subtree_control")
    before = path.read_text().split()
    yield
    for name in set(path.read_text().split()) - set(before):
        path.write_text(f"-{name}")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A cgroup name that nobody else has."""
    return f"rung-cgroup-test-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**8}"


@pytest.fixture
def group(name: str) -> Iterator[Cgroup]:
    """A container's cgroups, not made yet; emptied and removed after the test."""
    made = Cgroup(locate(hierarchies(), f"/{name}", name))
    yield made
    _end(Cgroup(made.paths))


@pytest.fixture
def unified(name: str) -> Iterator[Cgroup]:
    """The same on v2 alone, on hybrid hosts without controllers; not made yet."""
    found = hierarchies()
    if not found.v2:
        pytest.skip("this host has no cgroup v2")
    made = Cgroup({"": f"{found.v2}/{name}-v2"})
    yield made
    _end(Cgroup(made.paths))


def _end(group: Cgroup) -> None:
    group.thaw()
    group.kill()
    group.remove()
    assert not group.exists()


class Worker:
    """A process in a cgroup that does what it is told."""

    def __init__(self, group: Cgroup) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pid = self.process.pid
        for directory in group.join_paths():
            Path(directory, "cgroup.procs").write_text(str(self.pid))

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def do(self, line: str) -> str:
        self.tell(line)
        return self.hear()

    def says_within(self, timeout_s: float) -> bool:
        """Whether an answer arrives in that time."""
        from select import select

        return bool(select([self.process.stdout], [], [], timeout_s)[0])

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture
def worker() -> Iterator[Callable[[Cgroup], Worker]]:
    """Start processes in cgroups; ended before the cgroups are removed."""
    started: list[Worker] = []

    def start(group: Cgroup) -> Worker:
        started.append(Worker(group))
        return started[-1]

    yield start
    for one in started:
        one.end()
