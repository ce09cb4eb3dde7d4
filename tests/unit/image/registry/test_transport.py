"""Exchanges with servers that say exactly what a test wants them to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rung.image.registry.limits import Limits
from rung.image.registry.pace import Pace
from rung.image.registry.transport import Bytes, Response, Transport
from rung.image.registry.wire import ProtocolError

LIMITS = Limits()
DEADLINE_S = 60


@contextmanager
def server(*scripts: Callable[[socket.socket], object]) -> Iterator[tuple[str, list[bytes]]]:
    """The first connection goes to the first script, and so on; what came on each is kept."""
    heads: list[bytes] = []

    def serve() -> None:
        for script in scripts:
            client, _ = listener.accept()
            with client:
                client.settimeout(DEADLINE_S)
                script(client)

    def request(client: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                break
            data += more
        heads.append(data)
        return data

    global read_request
    read_request = request
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


read_request: Callable[[socket.socket], bytes]


def answers(*answers: bytes, close: bool = True) -> Callable[[socket.socket], None]:
    """A script: one request, one answer, and so on; then the connection is closed."""

    def script(client: socket.socket) -> None:
        for answer in answers:
            read_request(client)
            client.sendall(answer)
        if not close:
            client.recv(1)  # until the other side has done with it

    return script


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(LIMITS, {})
    yield made
    made.close()


def get(transport: Transport, url: str, method: str = "GET", body: bytes | None = None) -> Response:
    pace = Pace(LIMITS, DEADLINE_S)
    return transport.exchange(method, url, {}, pace, body=Bytes(body) if body is not None else None)


def body_of(transport: Transport, url: str) -> bytes | None:
    with get(transport, url) as response:
        return response.read_all(1 << 20)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nof old", b"of old"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (1 << 19) + b"x" * (1 << 19) + b"\r\n0\r\n\r\n", b"x" * (1 << 19)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + b"y" * 600_000, b"y" * 600_000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", b"hello world"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n", b"a"),
        (b"HTTP/1.1 204 No\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_bodies(transport: Transport, answer: bytes, body: bytes) -> None:
    with server(answers(answer)) as (url, heads):
        assert body_of(transport, f"{url}/path?a=b") == body
    assert heads[0].startswith(b"GET /path?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nUser-Agent: rung/" in heads[0] and b"\r\nAccept-Encoding: identity\r\n" in heads[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\n\nnewlines alone",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 30 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (1 << 19) + b"x" * (1 << 18),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_broken_is_said(transport: Transport, answer: bytes) -> None:
    with server(answers(answer)) as (url, _), pytest.raises(ProtocolError):
        body_of(transport, url)


def test_a_body_longer_than_is_wanted(transport: Transport) -> None:
    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 99):
        with server(answers(answer)) as (url, _), get(transport, url) as response:
            assert response.read_all(98) is None


def test_a_connection_is_used_again(transport: Transport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    with server(answers(answer, answer, answer)) as (url, heads):
        with get(transport, url):
            pass  # what is left of a short body is read, and the connection kept
        assert body_of(transport, url) == b"x"
        with get(transport, url, "PUT", b"data") as response:
            assert response.status == 200
    assert len(heads) == 3 and b"\r\nContent-Length: 4\r\n" in heads[2]


def test_a_connection_that_was_closed_meanwhile_is_not(transport: Transport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"

    def closes_upon_the_second(client: socket.socket) -> None:
        read_request(client)
        client.sendall(answer)
        read_request(client)

    with server(closes_upon_the_second, answers(answer)) as (url, heads):
        assert body_of(transport, url) == b"x"
        assert body_of(transport, url) == b"x"
    assert len(heads) == 3


def test_a_part_of_an_upload_is_not_sent_twice(transport: Transport) -> None:
    def closes_upon_the_second(client: socket.socket) -> None:
        read_request(client)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        read_request(client)

    with server(closes_upon_the_second) as (url, _):
        assert body_of(transport, url) == b"x"
        with pytest.raises(OSError, match=r"hangs up|reset|[Bb]roken"):
            get(transport, url, "PATCH", b"data")


def test_a_refusal_that_comes_before_the_body_is_sent(transport: Transport) -> None:
    """The server answers and closes without reading: its answer counts, not the broken pipe."""

    def refuse(client: socket.socket) -> None:
        read_request(client)
        client.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass

    with server(refuse) as (url, _), get(transport, url, "PATCH", bytes(1 << 20)) as response:
        assert response.status == 413


def test_nobody_is_there(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        get(transport, f"http://127.0.0.1:{port}/")
