"""Both clients and an engine that gives recorded answers: what is asked, and what comes of the answers."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.engine import FakeEngine, answer, hijacked, streamed
from rung import jsonc
from rung.client import (
    AsyncClient,
    Client,
    ClientError,
    Conflict,
    ContainerFailed,
    NotFound,
    TransferFailed,
    Unreachable,
)

BOX = {
    "Id": "c" * 64,
    "Name": "/box",
    "State": {"Status": "running", "ExitCode": 0},
    "Config": {"Image": "busybox", "Labels": {"a": "b"}},
    "NetworkSettings": {"Ports": {}},
}
PATH = f"/v1.47/containers/{'c' * 64}"

Speak = Callable[..., tuple[Client, FakeEngine]]


@pytest.fixture
def speak(tmp_path: Path) -> Iterator[Speak]:
    """A client, and an engine with these answers."""
    engines: list[FakeEngine] = []

    def make(*answers: bytes, **more: Any) -> tuple[Client, FakeEngine]:
        engines.append(FakeEngine(tmp_path, *answers))
        return Client(f"unix://{engines[-1].path}", **more), engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_a_container(speak: Speak) -> None:
    client, engine = speak(answer(BOX), answer(None, 204), answer(None, 304), answer({"message": "it runs"}, 409))
    box = client.containers.get("box")
    assert (box.name, box.short_id, box.status, box.image, box.labels) == (
        "box", "c" * 12, "running", "busybox", {"a": "b"},
    )  # fmt: skip
    box.stop(timeout=3)
    box.start()
    with pytest.raises(Conflict, match="^it runs$") as caught:
        box.remove(force=True)
    assert (caught.value.status, caught.value.request) == (409, f"DELETE /containers/{'c' * 64}")
    assert [line for line, _ in engine.requests] == [
        "GET /v1.47/containers/box/json",
        f"POST {PATH}/stop?t=3",
        f"POST {PATH}/start",
        f"DELETE {PATH}?force=1",
    ]


def test_an_image_that_is_not_here_is_pulled(speak: Speak) -> None:
    client, engine = speak(
        answer({"message": "No such image: busybox:latest"}, 404),
        streamed(b'{"status": "Pulling"}\n', b'{"status": "Done"}\n'),
        answer({"Id": "sha256:1", "RepoTags": ["busybox:latest"]}),
        answer({"Id": "c" * 64, "Warnings": []}, 201),
        answer(BOX),
    )
    assert client.containers.create("busybox", ["true"], name="box", mem_limit="1m").id == "c" * 64
    assert engine.requests[1][0] == "POST /v1.47/images/create?fromImage=busybox&tag=latest"
    line, body = engine.requests[3]
    assert line == "POST /v1.47/containers/create?name=box"
    assert jsonc.loads(body) == {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Memory": 1 << 20}}


def test_run_to_its_end(speak: Speak) -> None:
    client, engine = speak(
        answer({"Id": "c" * 64}, 201),
        answer(BOX),
        hijacked((1, b"out"), (2, b"no luck\n")),
        streamed(b'{"StatusCode":3}\n'),
        answer(None, 204),
        answer(None, 204),
    )
    with pytest.raises(ContainerFailed, match=r"^run box: exit status 3: no luck$"):
        client.containers.run("busybox", "false", remove=True)
    assert [line.removeprefix(f"POST {PATH}/") for line, _ in engine.requests[2:5]] == [
        "attach?stdout=1&stderr=1&stream=1",
        "wait?condition=next-exit",
        "start",
    ]
    assert engine.requests[5][0] == f"DELETE {PATH}?v=1&force=1"


def test_a_transfers_error_comes_within_it(speak: Speak) -> None:
    client, _ = speak(streamed(b'{"status":"Pulling"}\n{"errorDetail":{},"error":"no such host"}\n'))
    with pytest.raises(TransferFailed, match=r"^pull x/y:1: no such host$"):
        client.images.pull("x/y:1")


def test_a_refusal_before_the_body_is_out(tmp_path: Path, speak: Speak) -> None:
    import socket
    import threading

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "short.sock"))
    listening.listen()

    def refuse() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(100)
            client.sendall(answer({"message": "No such container: x"}, 404))

    thread = threading.Thread(target=refuse)
    thread.start()
    try:
        with pytest.raises(NotFound, match="No such container: x"):
            Client(str(tmp_path / "short.sock")).images.load(b"x" * 5_000_000)
    finally:
        thread.join(60)
        listening.close()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "GET /_ping: is not answered: the server has hung up"),
        (b"SSH-2.0\r\n\r\n", "is no status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nO", "ends too soon"),
    ],
)
def test_answers_that_are_none(speak: Speak, said: bytes, sentence: str) -> None:
    client, _ = speak(said)
    with pytest.raises(ClientError, match=sentence):
        client.ping()


def test_an_engine_that_does_not_answer(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "deaf.sock"))
        with pytest.raises(Unreachable, match="connection refused"):
            Client(str(tmp_path / "deaf.sock")).ping()
        listening.listen()
        with pytest.raises(ClientError, match=r"GET /version: no answer within 0\.1 s"):
            Client(str(tmp_path / "deaf.sock"), timeout=0.1).version()


def test_a_stream_and_its_deadline(speak: Speak) -> None:
    client, _ = speak(answer(BOX), hijacked((1, b"a"), (2, b"b")))
    with client.containers.get("box").attach() as streams:
        assert streams.receive(time.monotonic() + 60) == (1, b"a")
        assert list(streams) == [(2, b"b")]
        assert streams.receive() is None


def test_events_until_they_are_closed(speak: Speak) -> None:
    client, engine = speak(streamed(b'{"Action":"a"}\n{"Ac', b'tion":"b"}\n'))
    with client.events(filters={"type": "container"}) as events:
        assert next(events) == {"Action": "a"}
        assert [each["Action"] for each in events] == ["b"]
    assert engine.requests[0][0] == "GET /v1.47/events?filters=%7B%22type%22%3A+%5B%22container%22%5D%7D"


def test_the_same_in_async(tmp_path: Path) -> None:
    async def ask(path: str) -> tuple[str, list[tuple[int, bytes]]]:
        async with AsyncClient(path) as client:
            box = await client.containers.get("box")
            async with await box.attach() as streams:
                return box.name, [each async for each in streams]

    engine = FakeEngine(tmp_path, answer(BOX), hijacked((1, b"a")))
    try:
        assert asyncio.run(ask(engine.path)) == ("box", [(1, b"a")])
    finally:
        engine.close()


def test_both_have_the_same_names() -> None:
    from rung.client.aio.link import Link as AsyncLink
    from rung.client.blocking.link import Link

    def names(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isroutine)
        return {name: list(inspect.signature(each).parameters) for name, each in found if name[0] != "_"}

    assert names(Link) == names(AsyncLink)
