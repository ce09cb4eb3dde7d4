"""A shim and its worker: what is born is born to the shim, and whoever of the two is missing, nothing is done twice."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rung.runtime.warm import protocol
from rung.shim.runtimes import Settings
from rung.shim.runtimes.apart import Apart
from rung.shim.worker import BEGUN, END, VERSION, brain, crew, hands
from rung.shim.worker.hands import Told, Unserved, WorkerGone, ask
from rung.shim.worker.pool import listen

Serve = Callable[[socket.socket], None]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "workers")


@pytest.fixture
def worker(path: str) -> Iterator[Callable[[Serve], None]]:
    """A thread that takes one connection."""
    listening = listen(path)
    threads: list[threading.Thread] = []

    def serve(work: Serve) -> None:
        def run() -> None:
            fd, _ = listening._accept()  # type: ignore[attr-defined]
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fd) as connection:
                work(connection)

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield serve
    for thread in threads:
        thread.join()
    listening.close()


def said(connection: socket.socket) -> dict[str, object]:
    found: dict[str, object] = json.loads(connection.recv(1 << 16))
    return found


def test_an_outcome_comes_back(path: str, worker: Callable[[Serve], None]) -> None:
    def work(connection: socket.socket) -> None:
        assert said(connection) == {"operation": "pids", "version": VERSION}
        connection.send(BEGUN)
        connection.send(END + b'{"value": [1, 2]}')

    worker(work)
    assert ask(path, {"operation": "pids"}, ()) == ([1, 2], -1)


def test_an_error_has_its_sentence_and_its_code(path: str, worker: Callable[[Serve], None]) -> None:
    def work(connection: socket.socket) -> None:
        said(connection)
        connection.send(BEGUN)
        connection.send(END + b'{"error": "no such thing", "code": 5}')

    worker(work)
    with pytest.raises(Told, match="^no such thing$") as failed:
        ask(path, {}, ())
    assert failed.value.code == 5


def test_what_is_born_is_the_shims_child(path: str, worker: Callable[[Serve], None]) -> None:
    """A program given as a descriptor, and descriptors that get the numbers of others that are still needed."""
    statuses: list[int] = []
    reader, writer = os.pipe()
    program = os.open("/bin/sh", os.O_RDONLY)

    def work(connection: socket.socket) -> None:
        said(connection)
        connection.send(BEGUN)
        argv = ["sh", "-c", 'echo "$1 $word" >&9', "sh", "said"]
        targets = [9, *range(3, 9)]
        order = protocol.spawn(1, "", argv, [("word", "it")], targets, program_is_first=True, default_signals=True)
        socket.send_fds(connection, [order], [program, writer, *[reader] * 6])
        question, pid = protocol.answer(connection.recv(16))
        assert question == 1
        connection.send(protocol.wait(2, pid))
        statuses.append(protocol.answer(connection.recv(16))[1])
        connection.send(protocol.wait(3, pid))
        statuses.append(protocol.answer(connection.recv(16))[1])
        connection.send(END + b'{"value": null}')

    worker(work)
    before = set(os.listdir("/proc/self/fd"))
    assert ask(path, {}, ()) == (None, -1)
    os.close(writer)
    assert os.read(reader, 64) == b"said it\n"
    assert statuses == [0, -10], "an end, and ECHILD"
    os.close(reader)
    os.close(program)
    assert len(os.listdir("/proc/self/fd")) < len(before), "nothing that came along stays open"


@pytest.mark.parametrize("nobody", ["no socket", "hangs up", "too large"])
def test_where_nobody_begins_it_is_known(path: str, worker: Callable[[Serve], None], nobody: str) -> None:
    request = {"operation": "x" * hands.REQUEST_MAX} if nobody == "too large" else {}
    if nobody == "hangs up":
        worker(lambda connection: None)
    where = f"{path}.not" if nobody == "no socket" else path
    with pytest.raises(Unserved):
        ask(where, request, ())


def test_one_that_is_too_late_is_told_so(path: str, worker: Callable[[Serve], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the shim gone when it says that it begins, and lets it be."""
    monkeypatch.setattr(hands, "PATIENCE_S", 0)
    monkeypatch.setattr(hands, "_begin", impatient(hands._begin))
    over, done = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def work(connection: socket.socket) -> None:
        said(connection)
        over.wait()
        try:
            connection.send(BEGUN, socket.MSG_NOSIGNAL)
            outcomes.append("begun")
        except OSError:
            outcomes.append("left")
        done.set()

    worker(work)
    with pytest.raises(Unserved):
        ask(path, {}, ())
    over.set()
    assert done.wait(60)
    assert outcomes == ["left"]


def impatient(begin: Callable[..., None]) -> Callable[..., None]:
    """A timeout of no seconds is none: a short one in its place."""

    def sooner(connection: socket.socket, *rest: object) -> None:
        class Sooner:
            def __getattr__(self, name: str) -> object:
                return getattr(connection, name)

            def setsockopt(self, level: int, option: int, value: bytes) -> None:
                short = bytes(8) + (20_000).to_bytes(8, "little")
                connection.setsockopt(level, option, short)

        begin(Sooner(), *rest)

    return sooner


def test_one_that_dies_in_the_middle_is_known(path: str, worker: Callable[[Serve], None]) -> None:
    def work(connection: socket.socket) -> None:
        said(connection)
        connection.send(BEGUN)

    worker(work)
    with pytest.raises(WorkerGone, match="has gone"):
        ask(path, {}, ())


@pytest.mark.parametrize(
    "request_",
    [
        b"no JSON",
        b"[]",
        json.dumps({"operation": "pids", "version": "another"}).encode(),
        json.dumps({"operation": "__init__", "version": VERSION}).encode(),
    ],
)
def test_a_worker_begins_nothing_that_it_does_not_know(request_: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(request_)
        brain.serve(theirs)
        theirs.close()
        assert ours.recv(16) == b""


def test_a_worker_says_what_the_runtime_said(tmp_path: Path, path: str, worker: Callable[[Serve], None]) -> None:
    worker(brain.serve)
    with pytest.raises(Told, match='container "nobody": does not exist'):
        Apart("nobody", Settings(root=str(tmp_path), worker=path)).pids()


def test_without_a_worker_the_shim_does_it_itself(tmp_path: Path) -> None:
    from rung.runtime import ContainerNotFound

    with pytest.raises(ContainerNotFound):
        Apart("nobody", Settings(root=str(tmp_path), worker=str(tmp_path / "none"))).pids()


def test_a_bug_costs_one_operation(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that it ends is replaced, also where it is the only one."""
    served: list[str] = []

    def serve(connection: socket.socket) -> None:
        operation = str(said(connection)["operation"])
        served.append(operation)
        connection.send(BEGUN)
        if operation == "bug":
            raise ZeroDivisionError
        connection.send(END + b'{"value": null}')

    monkeypatch.setattr(crew, "serve", serve)
    monkeypatch.setattr(crew, "THREADS_MAX", 1)
    monkeypatch.setattr(sys, "unraisablehook", lambda bug: served.append(bug.exc_type.__name__))
    ours, theirs = socket.socketpair()
    listening = listen(path)
    working = threading.Thread(target=crew.Crew(listening).run, args=(theirs,))
    working.start()
    try:
        with pytest.raises(WorkerGone):
            ask(path, {"operation": "bug"}, ())
        assert ask(path, {"operation": "after"}, ()) == (None, -1)
    finally:
        ours.close()
        working.join()
        theirs.close()
        listening.close()
    assert sorted(served) == ["ZeroDivisionError", "after", "bug"]


def test_operations_that_do_not_end_hold_nobody_up(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are threads wait for a file system that does not answer: others are served all the same."""
    go_on = threading.Event()

    def serve(connection: socket.socket) -> None:
        operation = str(said(connection)["operation"])
        connection.send(BEGUN)
        if operation == "stalled":
            assert go_on.wait(60)
        connection.send(END + b'{"value": null}')

    monkeypatch.setattr(crew, "serve", serve)
    monkeypatch.setattr(crew, "THREADS_MAX", 2)
    monkeypatch.setattr(crew, "STALLED_MS", 10)
    ours, theirs = socket.socketpair()
    listening = listen(path)
    made = crew.Crew(listening)
    working = threading.Thread(target=made.run, args=(theirs,))
    working.start()
    stalled = [threading.Thread(target=ask, args=(path, {"operation": "stalled"}, ())) for _ in range(7)]
    try:
        for one in stalled:
            one.start()
        assert ask(path, {"operation": "after"}, ()) == (None, -1)
    finally:
        go_on.set()
        for one in stalled:
            one.join()
        ours.close()
        working.join()
        theirs.close()
        listening.close()
    assert made._busy == 0


@pytest.mark.parametrize(("operation", "deleted"), [("create", ["c1"]), ("start", [])])
def test_what_was_created_for_a_shim_that_has_died_is_deleted(
    monkeypatch: pytest.MonkeyPatch, operation: str, deleted: list[str]
) -> None:
    """The engine may have cleared away what there was before this container was there."""
    found: list[str] = []
    shim, worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    class Runtime:
        def __init__(self, container_id: str, settings: Settings) -> None:
            self.id = container_id

        def delete(self, *, force: bool) -> None:
            assert force
            found.append(self.id)

    def carry_out(request: object, fds: object) -> int:
        shim.close()
        return 7

    monkeypatch.setattr(brain, "Own", Runtime)
    monkeypatch.setattr(brain, "_carry_out", carry_out)
    shim.send(json.dumps({"operation": operation, "id": "c1", "settings": {}, "version": VERSION}).encode())
    with worker:
        brain.serve(worker)
    assert found == deleted
