"""Clients that are slow, half, wrong, many or hostile: each costs little, and the next one is served."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.image.content import Content
from rung.image.registry.limits import Limits
from rung.image.serve import client as of_client
from rung.image.serve import server as of_server
from rung.image.serve.registry import Registry, Rules
from rung.image.serve.server import Server, Service
from serveparts import TIMEOUT_S, Served, digest_of, everything

HOST = b"Host: h\r\n"
DATA = os.urandom(3 << 20)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def is_served(served: Served) -> bool:
    return served.ask("GET", "/v2/").status == 200


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"\x00" * 100, 400),
        (b"NOT HTTP AT ALL\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 200_000, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n" * 1000 + b"\r\n", 431),
        (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
        (b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
    ],
)
def test_what_is_no_request(served: Served, wire: bytes, expected: int) -> None:
    answer = served.raw(wire)
    assert status(answer) == expected
    assert b"Connection: close" in answer
    assert is_served(served)


def test_a_smuggled_request_is_not_seen(served: Served) -> None:
    """What follows a body whose end is ambiguous is never taken for a request."""
    smuggled = b"DELETE /v2/a/manifests/x HTTP/1.1\r\n" + HOST + b"\r\n"
    served.image("a", "x")
    for framing in (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"):
        head = b"PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\n" + HOST + framing + b"\r\n\r\n"
        answer = served.raw(head + b"0\r\n\r\n" + smuggled)
        assert answer.count(b"HTTP/1.1 ") == 1
    assert served.ask("GET", "/v2/a/manifests/x").status == 200


def test_the_rest_of_a_refused_body_is_not_a_request(served: Served) -> None:
    served.image("a", "x")
    smuggled = b"DELETE /v2/a/manifests/x HTTP/1.1\r\n" + HOST + b"\r\n"
    head = b"PUT /v2/A/manifests/x HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(smuggled)
    answer = served.raw(head + smuggled + b"GET /v2/ HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2 and status(answer) == 400
    assert served.ask("GET", "/v2/a/manifests/x").status == 200


def test_requests_sent_ahead_are_answered_in_turn(served: Served) -> None:
    served.blob("a", b"one")
    served.blob("a", b"two")
    paths = [f"/v2/a/blobs/{digest_of(data)}" for data in (b"one", b"two")]
    wire = b"".join(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode() for path in paths)
    answer = served.raw(wire)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"\r\n\r\none") < answer.index(b"\r\n\r\ntwo")


def upload(served: Served) -> str:
    return served.ask("POST", "/v2/a/blobs/uploads/", b"").headers["Location"]


def test_what_came_of_a_broken_upload_stays(served: Served) -> None:
    location = upload(served)
    head = f"PATCH {location} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n".encode()
    assert status(served.raw(head + b"0123456789")) == 400
    assert served.ask("GET", location).headers["Range"] == "0-9"
    said = served.ask("PUT", f"{location}?digest={digest_of(b'0123456789ab')}", b"ab", Content_Range="10-11")
    assert said.status == 201


def test_a_client_that_vanishes_in_the_middle_of_a_blob(served: Served) -> None:
    digest = served.blob("a", DATA)
    for _ in range(3):
        with served.connect() as sock:
            sock.sendall(f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            sock.recv(1000)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    assert served.ask("GET", f"/v2/a/blobs/{digest}").body == DATA


def test_two_at_one_upload(served: Served) -> None:
    location = upload(served)
    with served.connect() as sock:
        sock.sendall(f"PATCH {location} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue")  # it is at work
        assert served.ask("PATCH", location, b"x").status == 409
        assert served.ask("DELETE", location).status == 409
        sock.sendall(b"abcd")
        assert status(sock.recv(1000)) == 202
    assert served.ask("GET", location).headers["Range"] == "0-3"


def test_a_body_that_is_not_wanted_is_not_asked_for(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"PUT /v2/A/manifests/x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        answer = everything(sock)
    assert status(answer) == 400 and b"100 Continue" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../../etc/passwd",
        "/v2/a/blobs/uploads/../../../etc/passwd",
        "/v2/a/blobs/uploads/%2e%2e%2f%2e%2e%2fx",
        "/v2/a/blobs/uploads/" + "0" * 36,
        "/v2/a/blobs/sha256:../../../etc/passwd",
        "/v2/a/blobs/sha256:" + "A" * 64,
        "/v2/a%00b/manifests/x",
        "/v2/a/manifests/..",
        "/v2/-a/manifests/x",
        "/v2/a/./b/manifests/x",
    ],
)
def test_names_that_climb(served: Served, path: str, tmp_path: Path) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert 400 <= status(served.raw(f"{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx".encode())) < 500
    assert {each.name for each in tmp_path.iterdir()} == {"store"}


def test_names_in_the_log_cannot_write_to_a_terminal(served: Served) -> None:
    served.raw(b"GET /v2/\x1b[2J HTTP/1.1\r\nHost: h\r\n\r\n")
    served.raw(b"GET /v2/%1b%5b2J HTTP/1.1\r\nHost: h\r\n\r\n")
    assert all(line.isprintable() for line in served.log)


# --- slow ones: with limits that end within the test ---------------------------------------


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, list[str]]]:
    """A server that waits for nobody, and takes three clients."""
    monkeypatch.setattr(of_client, "HEAD_S", 0.3)
    content = Content(str(tmp_path / "store"))
    log: list[str] = []
    registry = Registry(content, Rules())
    service = Service(registry, None, log.append, Limits(idle_s=0.3, window_s=0.3, slowest_bytes_per_s=1000))
    server = Server(("127.0.0.1", 0), service, clients=3)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server, log
    server.stop()
    thread.join(TIMEOUT_S)
    registry.close()
    content.metadata.close()


def connect(server: Server) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), TIMEOUT_S)


def test_a_head_that_does_not_end_ends_the_connection(impatient: tuple[Server, list[str]]) -> None:
    server, _ = impatient
    with connect(server) as sock:
        sock.sendall(b"GET /v2/ HTTP/1.1\r\nHost:")
        assert status(everything(sock)) == 408


def test_silence_ends_the_connection(impatient: tuple[Server, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_client, "REST_S", 0.3)
    with connect(impatient[0]) as sock:
        assert everything(sock) == b""


@pytest.mark.parametrize("trickle", [b"", b"x"])
def test_a_body_that_does_not_come(impatient: tuple[Server, list[str]], trickle: bytes) -> None:
    server, log = impatient
    with connect(server) as sock:
        sock.sendall(b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: h\r\n\r\n")
        location = sock.recv(4096).split(b"Location: ")[1].split(b"\r\n")[0]
        sock.sendall(b"PATCH " + location + b" HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        sock.settimeout(0.02)
        while True:  # until it hangs up
            try:
                sock.sendall(trickle)
                if not sock.recv(100):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert any("has fallen silent" in line or "slower than" in line for line in log)


def test_a_reader_that_does_not_read(impatient: tuple[Server, list[str]]) -> None:
    server, log = impatient
    data = bytes(64 << 20)
    registry = server.service.registry
    digest = registry.content.blobs.write(data)
    with registry.content.metadata.transaction() as change:
        registry.catalogue.link_blob(change, "a", digest)
    with connect(server) as sock:
        sock.sendall(f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        wait_until(lambda: any("gone" in line for line in log))


def test_who_rests_makes_room(impatient: tuple[Server, list[str]]) -> None:
    server, _ = impatient
    get = b"GET /v2/ HTTP/1.1\r\nHost: h\r\n\r\n"
    clients = [connect(server) for _ in range(3)]
    for sock in clients:
        sock.sendall(get)
        assert status(sock.recv(1000)) == 200
        wait_until(lambda: all(each.rests_since is not None for each in server._clients))
    with connect(server) as fourth:
        fourth.sendall(get)
        assert status(fourth.recv(1000)) == 200
    assert everything(clients[0]) == b""  # it had rested longest
    for sock in clients:
        sock.close()


def wait_until(condition: object, seconds: float = TIMEOUT_S) -> None:
    from time import monotonic, sleep

    deadline = monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert monotonic() < deadline
        sleep(0.01)


def test_when_everybody_works_one_more_is_told_to_come_again(impatient: tuple[Server, list[str]]) -> None:
    server, _ = impatient
    server.service.limits = Limits()
    workers = []
    for _ in range(3):
        sock = connect(server)
        head = f"POST /v2/a/blobs/uploads/?digest={digest_of(b'x')} HTTP/1.1\r\nHost: h\r\n"
        sock.sendall(f"{head}Content-Length: 1\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        workers.append(sock)
    with connect(server) as fourth:
        assert b"503 Service Unavailable\r\nRetry-After: 5\r\n" in everything(fourth)
    for sock in workers:
        sock.sendall(b"x")
        assert status(sock.recv(1000)) == 201
        sock.close()


def test_a_server_that_ends_lets_an_answer_be_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_server, "GRACE_S", TIMEOUT_S)
    with Served(tmp_path / "store") as served:
        digest = served.blob("a", DATA * 10)
        with served.connect() as sock:
            sock.sendall(f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
            begun = sock.recv(1000)
            served.server.stop()
            answer = begun + everything(sock)
        assert answer.endswith(DATA) and len(answer) > len(DATA) * 10


def test_a_store_that_is_full(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    location = upload(served)
    whole = os.write

    def full(fd: int, data: object) -> int:
        if os.readlink(f"/proc/self/fd/{fd}").startswith(str(served.directory / "uploads")):
            raise OSError(28, "No space left on device")
        return whole(fd, data)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "write", full)
    said = served.ask("PATCH", location, b"data")
    assert (said.status, said.code) == (500, "UNKNOWN")
    monkeypatch.undo()
    assert served.ask("GET", location).headers["Range"] == "0-0"
    assert served.ask("PUT", f"{location}?digest={digest_of(b'data')}", b"data").status == 201
    assert json.loads(served.ask("GET", "/v2/_catalog").body) == {"repositories": []}
