"""What is below the engine stalls: shims that are stopped, runtimes that never return, file systems that do not answer.
Whoever asks for them waits, and at last gets an error; everybody else is served as before."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engineparts
from engineparts import Engine, until
from fuse import Stalling
from rung.client import ClientError

#: More than there are threads for anything.
COUNT = 40
ROUNDS = 3
SLACK_S = 0.1


@pytest.fixture(scope="module")
def engine(busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    hangs = tmp_path_factory.mktemp("runtime") / "hangs"
    hangs.write_text('#!/bin/sh\ncase "$*" in *create*) exec sleep 1000000;; esac\n')
    hangs.chmod(0o755)
    with engineparts.engine(engineparts.image_archive(busybox), "--add-runtime", f"hangs={hangs}") as made:
        made.flags = ("--add-runtime", f"hangs={hangs}")
        made.ask("POST", "/networks/create", body={"Name": "mynet"})
        yield made


@pytest.fixture
def stalling(tmp_path: Path) -> Iterator[Stalling]:
    made = Stalling(tmp_path / "stalling")
    try:
        yield made
    finally:
        made.close()


def times(engine: Engine, idle: str) -> dict[str, float]:
    works: dict[str, Callable[[], object]] = {
        "run": lambda: engine.cli("run", "--rm", "--network", "mynet", engineparts.IMAGE, "true"),
        "ps": lambda: engine.cli("ps"),
        "exec": lambda: engine.cli("exec", idle, "true"),
    }
    return {what: statistics.median(_took(work) for _ in range(ROUNDS)) for what, work in works.items()}


def _took(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


class Asked:
    """Requests that are sent and whose answers are waited for later."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clients: list[socket.socket] = []

    def send(self, method: str, target: str) -> None:
        client = socket.socket(socket.AF_UNIX)
        client.connect(self._engine.socket)
        client.sendall(f"{method} /v1.47{target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        self._clients.append(client)

    def statuses(self) -> set[bytes]:
        """Of their answers."""
        found = set()
        for client in self._clients:
            client.settimeout(60)
            with client:
                found.add(client.recv(4096)[9:12])
        self._clients.clear()
        return found

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def asked(engine: Engine) -> Iterator[Asked]:
    made = Asked(engine)
    yield made
    made.close()


def serves_others(engine: Engine, stall: Callable[[], object]) -> None:
    """As quickly after ``stall`` as before."""
    idle = engine.run_one("sleep", "1000000")
    times(engine, idle.id)
    before = times(engine, idle.id)
    stall()
    after = times(engine, idle.id)
    slow = {what: (before[what], took) for what, took in after.items() if took > 2 * before[what] + SLACK_S}
    assert not slow, f"before and after: {slow}"
    idle.remove(force=True)


def shim_of(engine: Engine, container_id: str) -> int:
    """Its pid: the parent of the container's first process."""
    pid = engine.ask("GET", f"/containers/{container_id}/json")["State"]["Pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid")))


def test_shims_that_are_stopped_hold_nobody_up_and_are_ended(engine: Engine, asked: Asked) -> None:
    made = [engine.run_one("sleep", "1000000") for _ in range(4)]
    shims = [shim_of(engine, one.id) for one in made]

    def stall() -> None:
        for shim in shims:
            os.kill(shim, signal.SIGSTOP)
        for one in made:
            for _ in range(COUNT // 4):
                asked.send("POST", f"/containers/{one.id}/pause")
                asked.send("GET", f"/containers/{one.id}/top")
                asked.send("POST", f"/containers/{one.id}/attach?stream=1&stdout=1")

    serves_others(engine, stall)
    # dockerd would wait for ever; here who insists gets rid of it: what hangs is ended.
    ended = Asked(engine)
    for one in made:
        ended.send("DELETE", f"/containers/{one.id}?force=1")
    assert ended.statuses() == {b"204"}
    assert not any(os.path.exists(f"/proc/{shim}") for shim in shims)
    until(lambda: not engine.left(), "nothing is left of them")


def test_an_engine_starts_beside_shims_that_are_stopped(engine: Engine) -> None:
    stopped, good = engine.run_one("sleep", "1000000"), engine.run_one("sleep", "1000000")
    shim = shim_of(engine, stopped.id)
    os.kill(shim, signal.SIGSTOP)
    engine.kill()
    try:
        engine.start(*engine.flags)
        good.reload()
        assert good.status == "running"
        assert good.exec_run(["true"])[0] == 0
    finally:
        os.kill(shim, signal.SIGCONT)
    for one in (stopped, good):
        one.remove(force=True)
    until(lambda: not engine.left(), "nothing is left of them")


def test_runtimes_that_never_return_hold_nobody_up(engine: Engine, asked: Asked) -> None:
    made = [engine.create("true", runtime="hangs") for _ in range(12)]

    def stall() -> None:
        for one in made:
            asked.send("POST", f"/containers/{one.id}/start")
        until(lambda: len(hanging(engine)) == len(made), "all of them hang")

    serves_others(engine, stall)
    for pid in hanging(engine):
        os.kill(pid, signal.SIGKILL)
    assert asked.statuses() == {b"500"}
    for one in made:
        one.remove(force=True)
    until(lambda: not engine.left(), "nothing is left of them")


def hanging(engine: Engine) -> list[int]:
    """Runtimes that do not return: no containers' processes, which are in cgroups that are named for them."""
    return [int(pid) for pid in engine.processes() if _text(pid, "cmdline") == "sleep\0" "1000000\0" and not _has_cgroup(pid)]


def _has_cgroup(pid: str) -> bool:
    return any(len(line.rpartition("/")[2]) == 64 for line in _text(pid, "cgroup").split())


def _text(pid: str, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def test_binds_of_a_file_system_that_does_not_answer_hold_nobody_up(
    engine: Engine, asked: Asked, stalling: Stalling
) -> None:
    """The runtime's own worker waits in so many starts as it has threads, and more."""
    made = [engine.create("true", volumes=[f"{stalling.path}:/mnt"]) for _ in range(COUNT)]

    def stall() -> None:
        stalling.stall()
        for one in made:
            asked.send("POST", f"/containers/{one.id}/start")

    serves_others(engine, stall)
    stalling.close()
    asked.statuses()  # it has gone, so that they fail; or it was gone already, so that they start
    for one in made:
        one.remove(force=True)
    until(lambda: not engine.left(), f"nothing is left of them: {engine.left()}", 20)


def test_files_of_a_container_that_do_not_answer_hold_nobody_up(engine: Engine, asked: Asked, stalling: Stalling) -> None:
    made = engine.run_one("sleep", "1000000", volumes=[f"{stalling.path}:/mnt"])

    def stall() -> None:
        stalling.stall()
        for _ in range(COUNT):
            asked.send("HEAD", f"/containers/{made.id}/archive?path=/mnt/file")
            asked.send("GET", f"/containers/{made.id}/archive?path=/mnt/other")
            asked.send("POST", f"/containers/create?name=n{os.urandom(4).hex()}")

    serves_others(engine, stall)
    stalling.close()
    made.remove(force=True)


def test_a_path_to_be_bound_that_does_not_answer_is_refused(
    engine: Engine, asked: Asked, stalling: Stalling
) -> None:
    path = stalling.path / "below"

    def create() -> None:
        with engine.client() as client:
            client.api.json("POST", "/containers/create", body={
                "Image": engineparts.IMAGE, "Cmd": ["true"], "HostConfig": {"Binds": [f"{path}:/x"], "NetworkMode": "none"}})  # fmt: skip

    stalling.stall()
    with pytest.raises(ClientError, match="the paths that are bound by container .* have not answered within 30 s"):
        create()
    until(lambda: not engine.left(), "nothing is left of it")
