"""Where a body ends."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.http1 import limits
from rung.http1.errors import Malformed
from rung.http1.framing import Chunked, Length, body_of
from rung.http1.head import parse_request

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def framing(*lines: str, version: str = "1.1") -> Length | Chunked:
    head = "\r\n".join([f"POST / HTTP/{version}", "Host: h", *lines])
    return body_of(parse_request(head.encode()))


def test_no_length_is_no_body() -> None:
    assert framing().done


def test_a_length() -> None:
    body = framing("Content-Length: 5")
    assert isinstance(body, Length) and body.left == 5
    buffer = bytearray(b"abcdefg")
    assert body.take(buffer) == b"abcde"
    assert body.done and buffer == b"fg"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        (("Transfer-Encoding: chunked", "Content-Length: 5"), 400),
        (("Content-Length: 5", "Content-Length: 5"), 400),
        (("Content-Length: 5, 5",), 400),
        (("Content-Length: +5",), 400),
        (("Content-Length: -5",), 400),
        (("Content-Length: 0x5",), 400),
        (("Content-Length: 5 5",), 400),
        (("Content-Length: \xb2",), 400),
        (("Content-Length:",), 400),
        (("Content-Length: " + "9" * 19,), 400),
        (("Transfer-Encoding: gzip, chunked",), 501),
        (("Transfer-Encoding: chunked, chunked",), 501),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), 501),
        (("Transfer-Encoding: xchunked",), 501),
        (("Transfer-Encoding:",), 501),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(lines: tuple[str, ...], status: int) -> None:
    head = "\r\n".join(["POST / HTTP/1.1", "Host: h", *lines]).encode("latin-1")
    with pytest.raises(Malformed) as refused:
        body_of(parse_request(head))
    assert refused.value.status == status


def test_an_old_client_sends_no_chunks() -> None:
    with pytest.raises(Malformed):
        framing("Transfer-Encoding: chunked", version="1.0")


def read(wire: bytes, piece: int) -> tuple[bytes, bytes]:
    """What a chunked body says that comes in such pieces, and what is left over."""
    body, buffer, said = Chunked(), bytearray(), b""
    for at in range(0, len(wire), piece):
        buffer += wire[at : at + piece]
        while data := body.take(buffer):
            said += data
    assert body.done
    return said, bytes(buffer)


@SETTINGS
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(1, 60), st.binary(max_size=9))
def test_chunks_however_they_come(parts: list[bytes], piece: int, rest: bytes) -> None:
    wire = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"
    said, left = read(wire + rest, piece)
    assert said == b"".join(parts)
    assert left == rest


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"5\nabcde\r\n", "does not end|no size"),
        (b"g\r\n", "no size"),
        (b"-1\r\n", "no size"),
        (b"0x5\r\n", "no size"),
        (b" 5\r\n", "no size"),
        (b"\r\n", "no size"),
        (b"f" * 16 + b"\r\n", "no size"),
        (b"5;\n\r\n", "no size"),
        (b"2\r\nabX\r\n", "longer"),
        (b"a" * limits.CHUNK_LINE, "does not end"),
        (b"0\r\n" + (b"a: " + b"b" * 1000 + b"\r\n") * 20, "trailer"),
    ],
)
def test_chunks_that_are_refused(wire: bytes, reason: str) -> None:
    body, buffer = Chunked(), bytearray(wire.ljust(limits.CHUNK_LINE, b"x"))
    with pytest.raises(Malformed, match=reason):
        while body.take(buffer) or buffer:
            pass
