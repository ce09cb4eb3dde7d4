"""The command line over a library that only writes down what it is asked for."""

from __future__ import annotations

import pytest

import rung.runtime
from rung.runtime.cli.main import execute
from rung.runtime.errors import ContainerNotFound, StateError
from rung.runtime.plan.request import Plan
from rung.runtime.plan.wire import Ledger

NOTHING_DONE = (Plan(()), Ledger(0, 0, 0, 0, 0, -1, "", 0, "", 0, (), ()))


class FakeProcess:
    pid = 4242

    def wait(self):
        return 0


class FakeContainer:
    def __init__(self, library, container_id):
        self._library = library
        self.id = container_id
        self.pid = 4242
        self.config = library.config
        self.annotations = library.annotations

    def state(self):
        return {
            "ociVersion": "1.2.0",
            "id": self.id,
            "pid": 4242,
            "status": self._library.status,
            "bundle": "/b",
            "rootfs": "/b/rootfs",
            "created": "2026-01-02T03:04:05.6Z",
            "annotations": {"com.example.<key>": "value"},
            "owner": "",
        }

    def stats(self):
        return {"pids": {"current": 1}}

    def oom_events(self):
        return iter(self._library.kills)

    def pids(self):
        return [7, 9]

    def exec(self, process, options=None):
        self._library.calls.append(("exec", process, options))
        if options.observe:
            options.observe(*NOTHING_DONE)
        self._library.fail("exec")
        return FakeProcess()

    def __getattr__(self, operation):
        def record(*arguments, **named):
            self._library.calls.append((operation, *arguments, *named.items()))
            self._library.fail(operation)

        return record


class FakeLibrary:
    """Stands in for ``rung.runtime.Runtime``; ``calls`` is what the command asked for."""

    def __init__(self):
        self.calls = []
        self.containers = ["web1"]
        self.failures = {}
        self.status = "running"
        self.kills = []
        self.annotations = {}
        self.config = {"process": {"args": ["sh"], "cwd": "/", "env": ["A=1"], "user": {"uid": 0, "gid": 0}}}

    def __call__(self, root, *, cgroup_manager="cgroupfs", rootless=None, notes=None):
        self.root = root
        self.notes = notes
        self.made_with = {"cgroup_manager": cgroup_manager, "rootless": rootless}
        return self

    def fail(self, operation):
        if operation in self.failures:
            raise self.failures[operation]

    def create(self, container_id, bundle, **options):
        self.calls.append(("create", container_id, bundle, options))
        if options["observe"]:
            options["observe"](*NOTHING_DONE)
        self.fail("create")
        return FakeContainer(self, container_id)

    def restore(self, container_id, bundle, options):
        self.calls.append(("restore", container_id, bundle, options))
        self.fail("restore")
        return FakeContainer(self, container_id)

    def get(self, container_id):
        if container_id not in self.containers:
            raise ContainerNotFound("container", f'"{container_id}"', "does not exist")
        return FakeContainer(self, container_id)

    def ids(self):
        return self.containers


@pytest.fixture
def library(monkeypatch):
    fake = FakeLibrary()
    monkeypatch.setattr(rung.runtime, "Runtime", fake, raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return fake


@pytest.fixture
def command(library, capfd):
    """``command("state", "web1")`` -> ``(exit status, stdout, stderr)``."""

    def call(*words):
        status = execute(words)
        return (status, *capfd.readouterr())

    return call


@pytest.fixture
def stopped():
    return StateError("cannot kill container", '"web1"', "it is stopped")
