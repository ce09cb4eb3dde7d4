"""HTTP/1.1's heads and framing: what is ambiguous is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.image.registry.http1 import (
    CHUNKED,
    UNTIL_CLOSE,
    Head,
    ProtocolError,
    body_length,
    chunk_size,
    parse_head,
    request,
)


def test_a_request() -> None:
    assert request("GET", "/v2/?a=b", {"Host": "x", "Accept": "a, b"}) == b"GET /v2/?a=b HTTP/1.1\r\nHost: x\r\nAccept: a, b\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/a b", {}), ("/a\r\nX: y", {}), ("/", {"X": "a\r\nY: b"}), ("/", {"X": "\0"}), ("/", {"X y": "a"}), ("/", {"": "a"})],
)
def test_nothing_ends_a_line_early(target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="control|header"):
        request("GET", target, headers)


def test_a_head() -> None:
    head = parse_head(b"HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic\r\nx-y:  a b \r\nWWW-Authenticate: Bearer a=b")
    assert (head.status, head.headers) == (401, {"www-authenticate": "Basic, Bearer a=b", "x-y": "a b"})
    assert head.keeps_open
    assert not parse_head(b"HTTP/1.0 200 OK").keeps_open
    assert parse_head(b"HTTP/1.0 200 OK\nConnection: Keep-Alive").keeps_open
    assert not parse_head(b"HTTP/1.1 200\r\nConnection: x, Close").keeps_open


@pytest.mark.parametrize(
    "data",
    [b"", b"SSH-2.0", b"HTTP/2 200", b"HTTP/1.1 20", b"HTTP/1.1 999", b"HTTP/1.1 -20", b"HTTP/1.1 200 OK\r\nno colon",
     b"HTTP/1.1 200 OK\r\n: x", b"HTTP/1.1 200 OK\r\nA: b\r\n folded", b"HTTP/1.1 200 OK\r\nA B: c", b"\x15\x03\x01\x00\x02\x02\x46"],
)  # fmt: skip
def test_what_is_no_head(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_head(data)


@given(st.binary(max_size=200))
def test_any_head_is_parsed_or_refused(data: bytes) -> None:
    try:
        head = parse_head(data)
        body_length("GET", head)
    except ProtocolError:
        pass


def of(status: int = 200, **headers: str) -> Head:
    return Head("HTTP/1.1", status, {key.replace("_", "-"): value for key, value in headers.items()})


def test_where_a_body_ends() -> None:
    assert body_length("GET", of(content_length="5")) == 5
    assert body_length("GET", of(content_length="5, 5")) == 5
    assert body_length("GET", of(transfer_encoding="Chunked")) == CHUNKED
    assert body_length("GET", of()) == UNTIL_CLOSE
    assert body_length("HEAD", of(content_length="5")) == 0
    assert body_length("GET", of(204)) == body_length("GET", of(304, content_length="7")) == 0


@pytest.mark.parametrize(
    "headers",
    [{"content_length": "5, 6"}, {"content_length": "-1"}, {"content_length": "+1"}, {"content_length": ""},
     {"content_length": "1e3"}, {"content_length": "٣"}, {"content_length": "9" * 30}, {"transfer_encoding": "gzip, chunked"},
     {"transfer_encoding": "identity"}, {"transfer_encoding": "chunked", "content_length": "5"}],
)  # fmt: skip
def test_a_body_that_could_end_in_two_places(headers: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        body_length("GET", of(**headers))


def test_chunks() -> None:
    assert [chunk_size(line) for line in (b"0", b"1f", b"A;name=value", b"5 ")] == [0, 31, 10, 5]
    for line in (b"", b"-1", b"0x5", b"g", b"+5", b"1" * 16, b"5 5"):
        with pytest.raises(ProtocolError):
            chunk_size(line)
