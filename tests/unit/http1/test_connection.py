"""A connection, as a transcript of what a client sends and what the server sees."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.http1 import limits
from rung.http1.connection import CLOSED, END_OF_BODY, NEED_DATA, Closed, Connection, Data, NeedData
from rung.http1.errors import Malformed
from rung.http1.head import Request

PUT = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
CHUNKS = b"PATCH /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
GET = b"GET /c HTTP/1.1\r\nHost: h\r\n\r\n"

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def served(wire: bytes, piece: int) -> list[tuple[str, bytes]]:
    """Requests and their bodies, of a client whose bytes come in such pieces."""
    connection, found = Connection(), []
    pieces = [wire[at : at + piece] for at in range(0, len(wire), piece)] + [b""]
    while True:
        event = connection.next_event()
        if isinstance(event, NeedData):
            connection.receive(pieces.pop(0))
        elif isinstance(event, Request):
            found.append((event.target, b""))
        elif isinstance(event, Data):
            found[-1] = (found[-1][0], found[-1][1] + event.data)
        elif event == END_OF_BODY:
            assert connection.respond(200, (), 0).startswith(b"HTTP/1.1 200 OK\r\n")
            assert connection.keeps_alive
        else:
            return found


@SETTINGS
@given(st.integers(1, 250))
def test_requests_one_after_another_however_they_come(piece: int) -> None:
    found = served(b"\r\n" + PUT + CHUNKS + GET, piece)
    assert found == [("/a", b"body"), ("/b", b"ab"), ("/c", b"")]


@SETTINGS
@given(st.binary(max_size=200), st.integers(1, 50))
def test_noise_is_refused_or_waited_for(noise: bytes, piece: int) -> None:
    try:
        served(noise, piece)
    except Malformed as error:
        assert 400 <= error.status <= 505


def next_after(*wire: bytes) -> tuple[Connection, object]:
    connection = Connection()
    for data in wire:
        connection.receive(data)
    return connection, connection.next_event()


def test_hanging_up_between_requests_is_no_error() -> None:
    assert next_after(b"")[1] == CLOSED
    assert isinstance(CLOSED, Closed)


@pytest.mark.parametrize("wire", [b"GET", GET[:-2]])
def test_hanging_up_within_a_head(wire: bytes) -> None:
    with pytest.raises(Malformed, match="within its head"):
        next_after(wire, b"")


def test_hanging_up_within_a_body() -> None:
    connection, _ = next_after(PUT[:-2], b"")
    assert connection.next_event() == Data(b"bo")
    with pytest.raises(Malformed, match="within its body"):
        connection.next_event()
    assert not connection.keeps_alive


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"GET /" + b"a" * limits.REQUEST_LINE * 2, 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"b" * limits.HEADERS * 2, 431),
    ],
)
def test_a_head_that_does_not_end(wire: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        next_after(wire)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("lines", "version", "keeps"),
    [("", "1.1", True), ("Connection: close\r\n", "1.1", False), ("", "1.0", False), ("Connection: keep-alive\r\n", "1.0", True)],
)
def test_who_keeps_the_connection(lines: str, version: str, keeps: bool) -> None:
    connection, _ = next_after(f"GET / HTTP/{version}\r\nHost: h\r\n{lines}\r\n".encode())
    assert connection.next_event() == END_OF_BODY
    head = connection.respond(200, (("A", "b"),), 3)
    assert connection.keeps_alive is keeps
    assert (b"Connection: close" in head) is not keeps
    assert b"\r\nA: b\r\nContent-Length: 3\r\n" in head


def test_an_answer_before_the_body_is_read_is_the_last() -> None:
    connection, _ = next_after(PUT)
    assert b"Connection: close" in connection.respond(413, (), 0)
    assert not connection.keeps_alive


def test_an_answer_without_content_has_no_length() -> None:
    connection, _ = next_after(GET)
    assert b"Content-Length" not in connection.respond(204, (), 0)


def test_a_header_cannot_bring_another() -> None:
    connection, _ = next_after(GET)
    with pytest.raises(ValueError, match="control"):
        connection.respond(200, (("Location", "/a\r\nSet-Cookie: x"),), 0)


def test_a_client_that_waits_for_continue() -> None:
    connection, _ = next_after(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert connection.expects_continue
    assert connection.body_left == 2
    assert connection.next_event() == NEED_DATA
    connection.receive(b"ok")
    assert not connection.expects_continue
