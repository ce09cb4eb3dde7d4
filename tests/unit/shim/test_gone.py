"""Execs of an engine that was killed: a client that has joined one is let go, and nothing of it stays in the shim."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from rung.shim.service import Service
from rung.spec.protobuf import Message
from rung.spec.shim import task as messages
from rung.spec.shim import ttrpc
from rung.spec.shim.common import Anything
from shim.parts import run_until

from .test_task import Life, life

__all__ = ["life"]


class Caller:
    """A reply that keeps what it is given, and a connection."""

    def __init__(self) -> None:
        self.caller = object()
        self.answers: list[Message | BaseException] = []

    def send(self, message: Message) -> None:
        self.answers.append(message)

    fail = send


class Serving:
    """A service with one task that runs."""

    def __init__(self, life: Life) -> None:
        self.life, self.caller = life, Caller()
        life.started()
        self.service = Service(life.loop, "ns", lambda _options, _bundle: None, life.told.append, lambda: None)  # type: ignore[arg-type, return-value]
        self.service.tasks["one"] = life.task

    def call(self, method: str, request: Message) -> None:
        before = len(self.caller.answers)
        asked = ttrpc.Request(service=messages.SERVICES[0], method=method, payload=request.encode())
        self.service.handle(asked, self.caller)  # type: ignore[arg-type]
        run_until(self.life.loop, lambda: len(self.caller.answers) > before)
        assert isinstance(self.caller.answers[-1], Message)

    def exec(self, stdout: str) -> None:
        spec = Anything(type_url=messages.PROCESS_URL, value=json.dumps({"args": ["true"]}).encode())
        self.call("Exec", messages.ExecProcessRequest(id="one", exec_id="e1", stdout=stdout, spec=spec))


def joined(serving: Serving, path: Path) -> socket.socket:
    """A client of a process's streams."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(path))
    made.send(b'{"stdin": false}')
    made.setblocking(False)
    assert received(serving, made) == b"ok\n"
    return made


def received(serving: Serving, client: socket.socket) -> bytes:
    found: list[bytes] = []

    def look() -> bool:
        try:
            found.append(client.recv(100))
        except BlockingIOError:
            return False
        return True

    run_until(serving.life.loop, look)
    return found[0]


@pytest.mark.parametrize("started", [False, True])
def test_an_exec_of_an_engine_that_is_gone(life: Life, tmp_path: Path, started: bool) -> None:
    """At once where it was not started; after its end where it was."""
    serving, place = Serving(life), tmp_path / "e1.attach"
    serving.exec(f"rung:{place}")
    with joined(serving, place) as client:
        if started:
            serving.call("Start", messages.OfProcess(id="one", exec_id="e1"))
        serving.service.gone(serving.caller.caller)
        if started:
            assert list(life.task.execs) == ["e1"]
            life.runtime.finish(life.task.execs["e1"].pid, 0)
        assert received(serving, client) == b""
    run_until(life.loop, lambda: not life.task.execs)
    assert not place.exists()
    life.ended()


@pytest.mark.parametrize("stdout", ["rung:{}", "file://{}"])
def test_execs_of_others_stay(life: Life, tmp_path: Path, stdout: str) -> None:
    """Those of another connection; and containerd's, whoever has hung up."""
    serving = Serving(life)
    serving.exec(stdout.format(tmp_path / "e1"))
    serving.service.gone(object() if stdout.startswith("rung:") else serving.caller.caller)
    assert list(life.task.execs) == ["e1"]
    serving.call("Delete", messages.OfProcess(id="one", exec_id="e1"))
    assert not life.task.execs
    life.ended()


def test_it_listens_nowhere_when_it_says_that_it_ends(life: Life) -> None:
    """Or it would take away the socket of the container's next shim, which is begun as soon as this is said."""
    caller, order = Caller(), list[str]()
    caller.send = lambda message: order.append("answered")  # type: ignore[method-assign]
    service = Service(life.loop, "ns", lambda _options, _bundle: None, life.told.append, lambda: order.append("down"))  # type: ignore[arg-type, return-value]
    asked = messages.ShutdownRequest(id="one")
    call = ttrpc.Request(service=messages.SERVICES[0], method="Shutdown", payload=asked.encode())
    service.handle(call, caller)  # type: ignore[arg-type]
    assert order == ["down", "answered"]
