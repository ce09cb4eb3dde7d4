"""Two commands on one id at once: one wins, the other says so, and nothing is left.

Processes of their own, let go together by a pipe that closes; ROUNDS times each.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from kernel.runtime.bed import reap
from rung.errors import RungError
from rung.runtime import ContainerNotFound, Stdio

ROUNDS = 50


def at_once(*operations: Callable[[], object]) -> list[str]:
    """Do them at the same time, each in a process: what each said, "" when it went well."""
    gate, opener = os.pipe()
    mouths, children = [], []
    for operation in operations:
        mouth, speaking = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.read(gate, 1)
            _speak(operation, speaking)
        os.close(speaking)
        mouths.append(mouth)
        children.append(pid)
    os.close(gate)
    os.close(opener)
    said = []
    for mouth, pid in zip(mouths, children):
        with open(mouth, encoding="utf-8") as pipe:
            said.append(pipe.read())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == (1 if said[-1] else 0), (code, said)
    return said


def _speak(operation: Callable[[], object], speaking: int) -> None:
    try:
        operation()
    except RungError as error:
        os.write(speaking, str(error).encode())
        os._exit(1)
    except Exception as bug:  # noqa: BLE001 - told by the exit status
        os.write(speaking, f"{type(bug).__name__}: {bug}".encode())
        os._exit(2)
    os._exit(0)


@pytest.fixture
def null():
    fd = os.open("/dev/null", os.O_RDWR)
    yield fd
    os.close(fd)


def reap_all() -> None:
    """Children, and what was orphaned to us; all of them have ended."""
    while True:
        try:
            if os.waitpid(-1, 0)[0] == 0:
                return
        except ChildProcessError:
            return


def exactly_one(said: Sequence[str], *words: str) -> None:
    assert sorted(bool(text) for text in said) == [False, True], said
    loser = "".join(said)
    assert any(word in loser for word in words), said


def test_create_and_create(bed, null):
    bundle = str(bed.bundle())
    for _ in range(ROUNDS):
        name = bed.new_id()

        def create(name: str = name) -> None:
            bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))

        exactly_one(at_once(create, create), "exists already")
        container = bed.runtime.get(name)
        assert container.status == "created", "the loser has taken nothing of the winner's"
        container.delete()
        reap_all()
        assert not bed.left()


def test_create_and_delete(bed, null):
    """A delete may come before, after, or while create makes the directory."""
    bundle = str(bed.bundle())
    name = bed.new_id()
    for _ in range(ROUNDS):

        def create() -> None:
            bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))

        def delete() -> None:
            bed.runtime.get(name).delete(force=True)

        created, deleted = at_once(create, delete)
        assert created == "", created
        assert deleted == "" or "does not exist" in deleted
        try:
            bed.runtime.get(name).delete()
        except ContainerNotFound:
            assert deleted == ""
        reap_all()
        assert not bed.left()
        assert not list(bed.state.iterdir())


def test_creates_and_deletes_in_a_crowd(bed, null):
    """Makers and deleters of one id: in the end one delete takes whatever is there."""
    bundle = str(bed.bundle())
    name = bed.new_id()

    def create() -> None:
        bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))

    def delete() -> None:
        bed.runtime.get(name).delete(force=True)

    for _ in range(ROUNDS // 5):
        said = at_once(*[create, delete] * 4)
        for text in said:
            assert text == "" or "exists already" in text or "does not exist" in text, said
        try:
            bed.runtime.get(name).delete(force=True)
        except ContainerNotFound:
            pass
        reap_all()
        assert not bed.left()
        assert not list(bed.state.iterdir())


def test_start_and_start(bed, null):
    bundle = str(bed.bundle(["sleep", "1000"]))
    for _ in range(ROUNDS):
        name = bed.new_id()
        container = bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))

        def start(name: str = name) -> None:
            bed.runtime.get(name).start()

        exactly_one(at_once(start, start), "it is running")
        assert container.status == "running"
        container.delete(force=True)
        reap(container.facts.pid)


def test_delete_and_delete(bed, null):
    bundle = str(bed.bundle())
    for _ in range(ROUNDS):
        name = bed.new_id()
        pid = bed.runtime.create(name, bundle, stdio=Stdio(null, null, null)).pid

        def delete(name: str = name) -> None:
            bed.runtime.get(name).delete()

        exactly_one(at_once(delete, delete), "does not exist")
        reap(pid)
        assert not bed.left()


def test_start_and_delete(bed, null):
    """Either it is deleted before it could start, or it runs and delete is refused."""
    bundle = str(bed.bundle(["sleep", "1000"]))
    for _ in range(ROUNDS):
        name = bed.new_id()
        pid = bed.runtime.create(name, bundle, stdio=Stdio(null, null, null)).pid

        def start(name: str = name) -> None:
            bed.runtime.get(name).start()

        def delete(name: str = name) -> None:
            bed.runtime.get(name).delete()

        started, deleted = at_once(start, delete)
        assert bool(started) != bool(deleted), (started, deleted)
        if deleted:
            assert "it is running" in deleted
            bed.runtime.get(name).delete(force=True)
        else:
            assert "does not exist" in started
        reap(pid)
        assert not bed.left()


def test_kill_and_delete_by_force(bed, null):
    """Whoever comes first, both are content or the killer learns that it is gone."""
    bundle = str(bed.bundle(["sleep", "1000"]))
    for _ in range(ROUNDS):
        name = bed.new_id()
        container = bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))
        container.start()

        def kill(name: str = name) -> None:
            bed.runtime.get(name).kill(9)

        def delete(name: str = name) -> None:
            bed.runtime.get(name).delete(force=True)

        killed, deleted = at_once(kill, delete)
        assert deleted == ""
        assert killed == "" or "does not exist" in killed or "it is stopped" in killed, killed
        reap(container.facts.pid)
        assert not bed.left()


def _execute(container):
    return container.exec({**container.config["process"], "args": ["true"]}).wait()


#: What may be done to a container that runs, at the same time as anything else.
OPERATIONS: dict[str, Callable[..., object]] = {
    "exec": _execute,
    "kill": lambda container: container.kill(9),
    "update": lambda container: container.update({"cpu": {"shares": 512}}),
    "pause": lambda container: container.pause(),
    "state": lambda container: container.state(),
    "ps": lambda container: container.pids(),
    "delete": lambda container: container.delete(force=True),
}
PAIRS = [(one, other) for at, one in enumerate(OPERATIONS) for other in list(OPERATIONS)[at:]]
#: What the one that came too late may say.
LATE = ("does not exist", "it is stopped", "it is paused", "a paused container", "it has stopped", "was killed at this step")


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_any_two_on_a_container_that_runs(bed, null, one, other):
    bundle = str(bed.bundle(["sleep", "1000"]))
    for _ in range(ROUNDS // 10):
        name = bed.new_id()
        container = bed.runtime.create(name, bundle, stdio=Stdio(null, null, null))
        container.start()

        def do(what: str, name: str = name) -> Callable[[], object]:
            return lambda: OPERATIONS[what](bed.runtime.get(name))

        with unpaused(container, "pause" in (one, other)):
            said = at_once(do(one), do(other))
        for text in said:
            assert not text or any(words in text for words in LATE), said
        if one == other == "pause":
            exactly_one(said, "it is paused")
        elif one == other == "delete":
            exactly_one(said, "does not exist")
        try:
            bed.runtime.get(name).delete(force=True)
        except ContainerNotFound:
            assert "delete" in (one, other)
        reap_all()
        assert not bed.left()
        assert not list(bed.state.iterdir())


@contextmanager
def unpaused(container, wanted: bool) -> Iterator[None]:
    """What waits in a container that somebody pauses, an exec, goes on in the end."""
    stop = threading.Event()

    def resume() -> None:
        while not stop.wait(0.01):
            try:
                if container.status == "paused":
                    container.resume()
            except RungError:
                continue

    thread = threading.Thread(target=resume)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if wanted:
            thread.join()
