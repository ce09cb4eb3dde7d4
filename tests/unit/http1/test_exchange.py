"""A client's view of one connection."""

from __future__ import annotations

import pytest

from rung.http1.connection import END_OF_BODY, NEED_DATA, Data
from rung.http1.errors import Malformed
from rung.http1.exchange import LAST_CHUNK, Exchange, chunk, request_bytes, request_head
from rung.http1.head import Response


def events(method: str, *pieces: bytes) -> list[object]:
    """All that is said until there is no more, or the body has ended."""
    exchange, found = Exchange(method), list[object]()
    for piece in pieces:
        exchange.receive(piece)
        while (event := exchange.next_event()) is not NEED_DATA:
            found.append(event)
            if event is END_OF_BODY:
                return found
    return found


def body(method: str, *pieces: bytes) -> bytes:
    head, *data, end = events(method, *pieces)
    assert isinstance(head, Response)
    assert end is END_OF_BODY
    return b"".join(each.data for each in data if isinstance(each, Data))


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", b"hello!"),
        (OK + b"\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x"),
    ],
)
def test_where_a_body_ends(answer: bytes, wanted: bytes) -> None:
    assert body("GET", answer, b"") == wanted
    assert body("GET", *(answer[at : at + 1] for at in range(len(answer))), b"") == wanted


def test_an_answer_to_head_has_no_body() -> None:
    assert body("HEAD", OK + b"Content-Length: 5\r\nX-A: b\r\n\r\n") == b""


def test_behind_a_101_another_protocol_begins() -> None:
    exchange = Exchange("POST")
    exchange.receive(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n\x01\x00raw")
    head = exchange.next_event()
    assert isinstance(head, Response)
    assert (head.status, head.reason, head.get("upgrade")) == (101, "UPGRADED", "tcp")
    assert (exchange.rest(), exchange.rest()) == (b"\x01\x00raw", b"")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "is not answered: the server has hung up"),
        (b"HTTP/1.1 200 OK\r\nContent-", "is not answered: the server has hung up"),
        (b"SSH-2.0-x\r\n\r\n", "is no status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "is no status line"),
        (OK + b"A: b\x00\r\n\r\n", "holds a control character"),
        (OK + b"A: " + b"b" * (64 << 10), "more than 65536 bytes of header fields"),
        (OK + b"Content-Length: 5\r\n\r\nhel", "ends too soon"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "ends too soon"),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", "in two ways"),
        (OK + b"Content-Length: five\r\n\r\nhello", "is no length"),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * 30 + OK, "announcements without end"),
    ],
)
def test_answers_that_are_none(answer: bytes, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        events("GET", answer, b"")


def test_requests() -> None:
    assert request_head("GET", "/x", [("A", "b")], 0) == b"GET /x HTTP/1.1\r\nHost: rung\r\nA: b\r\nContent-Length: 0\r\n\r\n"
    assert b"Transfer-Encoding: chunked\r\n\r\n" in request_head("PUT", "/x", [], None)
    assert chunk(b"hello") + chunk(b"") + LAST_CHUNK == b"5\r\nhello\r\n0\r\n\r\n"
    with pytest.raises(Malformed, match="control character"):
        request_head("GET", "/x\r\nEvil: yes", [], 0)


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/a b", {}), ("/a\r\nX: y", {}), ("/", {"X": "a\r\nY: b"}), ("/", {"X": "\0"}), ("/", {"X y": "a"}), ("/", {"": "a"}), ("/", {"ü": "a"})],
)
def test_nothing_ends_a_line_early(target: str, headers: dict[str, str]) -> None:
    assert request_bytes("GET", "/v2/?a=b", {"Host": "x", "Accept": "a, b"}.items()).endswith(b"Host: x\r\nAccept: a, b\r\n\r\n")
    with pytest.raises(Malformed, match="control|header"):
        request_bytes("GET", target, headers.items())


@pytest.mark.parametrize(
    ("framing", "pieces", "left"),
    [
        (b"Content-Length: 9\r\n\r\n", [b"he", 5, b"lo"], [9, 7, 2, 0]),
        (b"\r\n", [b"he", 5], [None, None, None]),
        (b"Transfer-Encoding: chunked\r\n\r\n8\r\n", [b"he", 6, b"\r\n0\r\n\r\n"], [None, None, None, 0]),
    ],
)
def test_large_bodies_pass_by(framing: bytes, pieces: list[bytes | int], left: list[int | None]) -> None:
    """Numbers are bytes that somebody read into memory of his own, as many as he was told that he may."""
    exchange = Exchange("GET")
    assert exchange.direct == 0
    exchange.receive(OK + framing)
    assert isinstance(exchange.next_event(), Response)
    assert exchange.next_event() is NEED_DATA and exchange.left == left[0]
    for piece, then in zip(pieces, left[1:]):
        if isinstance(piece, int):
            assert exchange.direct >= piece
            exchange.passed(piece)
        else:
            exchange.receive(piece)
            assert exchange.direct == 0  # what waits here comes first
            while exchange.next_event() not in (NEED_DATA, END_OF_BODY):
                pass
        assert exchange.left == then
    exchange.receive(b"")
    assert exchange.next_event() is END_OF_BODY


@pytest.mark.parametrize(
    ("answer", "follows"),
    [
        (OK + b"Content-Length: 0\r\n\r\n", True),
        (OK + b"Content-Length: 0\r\nConnection: x, Close\r\n\r\n", False),
        (b"HTTP/1.0 200\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", True),
        (OK + b"Content-Length: 0\r\n\r\nunasked", False),
        (OK + b"Content-Length: 1\r\n\r\n", False),
        (OK + b"\r\n", False),
    ],
)
def test_another_request_may_follow(answer: bytes, follows: bool) -> None:
    exchange = Exchange("GET")
    exchange.receive(answer)
    exchange.next_event()
    assert exchange.may_follow is follows


def test_behind_a_connect_is_a_tunnel() -> None:
    assert body("CONNECT", OK + b"Content-Length: 5\r\n\r\n") == b""
