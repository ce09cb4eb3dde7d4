"""Containers that take what they can get, and clients that do not keep to what they began: the engine goes on, and says
of each what became of it."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import engineparts
from engineparts import Engine, until

CREATE = b'{"Image":"busybox:test","Cmd":["true"],"HostConfig":{"NetworkMode":"none"}}'
REQUEST = b"POST /v1.47/containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(CREATE),
    CREATE,
)


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        yield made


def test_one_that_forks_until_its_limit(engine: Engine) -> None:
    bomb = "while :; do sleep 1000 & done"
    made = engine.run_one("sh", "-c", bomb, pids_limit=20)
    until(lambda: b"can't fork" in made.logs(), "it has met its limit")
    until(lambda: made.wait()["StatusCode"] != 0, "it has ended")
    made.remove()


def test_one_that_writes_until_its_quota(engine: Engine) -> None:
    made = engine.run_one("dd", "if=/dev/zero", "of=/full/file", tmpfs={"/full": "size=1m"})
    assert made.wait()["StatusCode"] == 1
    assert b"No space left on device" in made.logs()
    made.remove()


def test_one_that_ignores_what_asks_it_to_end(engine: Engine) -> None:
    made = engine.run_one("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    until(lambda: made.logs() == b"ready\n", "it ignores SIGTERM")
    made.stop(timeout=0)
    assert made.wait()["StatusCode"] == 137
    made.remove()


def test_one_that_closes_its_streams(engine: Engine) -> None:
    made = engine.run_one("sh", "-c", "echo last; exec <&- >&- 2>&-; while ! test -e /end; do sleep 0.1; done; exit 3")
    until(lambda: made.logs() == b"last\n", "it has said its last")
    made.reload()
    assert made.status == "running"
    assert made.exec_run(["sh", "-c", "echo > /end"])[0] == 0
    assert made.wait()["StatusCode"] == 3
    made.remove()


def test_one_that_nobody_reads(engine: Engine) -> None:
    """A follower that reads nothing holds up neither the container nor its log, nor anybody else."""
    with socket.socket(socket.AF_UNIX) as idle:
        made = engine.create("seq", "1", "200000")
        idle.connect(engine.socket)
        made.start()
        idle.sendall(f"GET /containers/{made.id}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert made.wait()["StatusCode"] == 0
        assert made.logs().splitlines()[-1] == b"200000"
    made.remove()


def test_requests_that_are_cut_anywhere(engine: Engine) -> None:
    """Nothing is made of half a request, and the next one is answered."""
    for end in range(0, len(REQUEST), 7):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(engine.socket)
            client.sendall(REQUEST[:end])
    assert engine.answers()
    with engine.client() as client:
        assert client.containers.list(all=True) == []


def test_half_a_request_is_told_so(engine: Engine) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(engineparts.DEADLINE_S)
        client.connect(engine.socket)
        client.sendall(REQUEST[:-5])
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b'{"message":"request: ends within its body"}\n')


def test_connections_that_say_half_a_word(engine: Engine) -> None:
    """Ten thousand, or as many as the engine has room for (half of what it may have open): it answers beside them, and
    lets them go with their clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard // 2 - 200)
    with ExitStack() as open_ones:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        open_ones.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(count):
            client = open_ones.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(engine.socket)
            client.sendall(REQUEST[:30])
        made = engine.run_one("true")
        assert made.wait()["StatusCode"] == 0
        made.remove()
    assert engine.daemon is not None
    place = Path(f"/proc/{engine.daemon.pid}/fd")
    until(lambda: len(list(place.iterdir())) < 200, "their descriptors are closed")
