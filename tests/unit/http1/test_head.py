"""Request heads: what is read, and what is refused because two parsers could disagree about it."""

from __future__ import annotations

import pytest

from rung.http1 import limits
from rung.http1.errors import Malformed
from rung.http1.head import parse_request


def test_a_request() -> None:
    request = parse_request(b"GET /v2/?n=1 HTTP/1.1\r\nHost: here\r\nAccept: a\r\naccept:\t b \r\nX-Empty:")
    assert (request.method, request.target, request.minor) == ("GET", "/v2/?n=1", 1)
    assert request.get("accept") == "a, b"
    assert request.all("x-empty") == [""]
    assert request.get("x-none") == ""


def test_a_list_is_searched_for_a_token() -> None:
    request = parse_request(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, CLOSE")
    assert request.has_token("connection", "close")
    assert not request.has_token("connection", "clo")


@pytest.mark.parametrize(
    ("target", "path"),
    [("http://host:5000/v2/", "/v2/"), ("HTTPS://host?x=1", "/?x=1"), ("/v2/%2e%2e", "/v2/%2e%2e"), ("*", "*")],
)
def test_the_target_is_a_path(target: str, path: str) -> None:
    assert parse_request(f"OPTIONS {target} HTTP/1.1\r\nHost: h".encode()).target == path


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 400),
        (b"GET /\r\nHost: h", 400),
        (b"GET  / HTTP/1.1\r\nHost: h", 400),
        (b"GET / x HTTP/1.1\r\nHost: h", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: h", 400),
        (b"GET /\n HTTP/1.1\r\nHost: h", 400),
        (b"GET / HTTP/1.1\nHost: h", 400),
        ("GET /ä HTTP/1.1\r\nHost: h".encode(), 400),
        (b"GET /v2/ http/1.1\r\nHost: h", 400),
        (b"GET v2 HTTP/1.1\r\nHost: h", 400),
        (b"G(T / HTTP/1.1\r\nHost: h", 400),
        (b"GET / HTTP/2.0\r\nHost: h", 505),
        (b"PRI * HTTP/2.0", 505),
        (b"GET / HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        (b"GET / HTTP/1.1\r\nHost : h", 400),
        (b"GET / HTTP/1.1\r\n Host: h", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n: a", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\nContent-Length: 5", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: \x00", 400),
        (b"GET /" + b"a" * limits.REQUEST_LINE + b" HTTP/1.1\r\nHost: h", 414),
        (b"GET / HTTP/1.1\r\nHost: h" + b"\r\na: b" * limits.HEADER_COUNT, 431),
    ],
)
def test_what_is_refused(head: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        parse_request(head)
    assert refused.value.status == status


def test_an_old_client_needs_no_host() -> None:
    assert parse_request(b"GET / HTTP/1.0").minor == 0
