"""Websockets: the examples of RFC 6455, and what a client must not send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.http1.errors import Malformed
from rung.http1.head import parse_request
from rung.http1.websocket import (
    BINARY,
    PONG,
    TEXT,
    Broken,
    Close,
    Frames,
    Piece,
    Ping,
    accepted,
    close,
    frame,
    handshake,
)

MASK = bytes.fromhex("37fa213d")


def masked(first: int, data: bytes, mask: bytes = MASK) -> bytes:
    size = len(data)
    if size < 126:
        head = bytes((first, 0x80 | size))
    else:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big") if size < 1 << 16 else bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + bytes(one ^ mask[at % 4] for at, one in enumerate(data))


def test_the_examples_of_section_5_7() -> None:
    assert list(Frames().feed(bytes.fromhex("818537fa213d7f9f4d5158"))) == [Piece(b"Hello")]
    assert list(Frames().feed(bytes.fromhex("898537fa213d7f9f4d5158"))) == [Ping(b"Hello")]
    assert frame(TEXT, b"Hello").hex() == "810548656c6c6f"
    assert frame(PONG, b"Hello").hex() == "8a0548656c6c6f"
    assert frame(BINARY, bytes(256))[:4].hex() == "827e0100"
    assert frame(BINARY, bytes(65536))[:10].hex() == "827f0000000000010000"


def test_the_key_of_section_1_3() -> None:
    assert accepted("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("Upgrade", "WebSocket", True),
        ("Connection", "keep-alive, Upgrade", True),
        ("Upgrade", "tcp", False),
        ("Connection", "close", False),
        ("Sec-WebSocket-Version", "8", False),
        ("Sec-WebSocket-Key", "short", False),
        ("Sec-WebSocket-Key", "c2hvcnQ=", False),
    ],
)
def test_handshakes(name: str, value: str, good: bool) -> None:
    fields = {
        "Host": "h",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        name: value,
    }
    request = parse_request("\r\n".join(["GET / HTTP/1.1", *(f"{one}: {said}" for one, said in fields.items())]).encode())
    if good:
        assert handshake(request)[-1].endswith(": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    else:
        with pytest.raises(Malformed):
            handshake(request)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (bytes.fromhex("810548656c6c6f"), 1002),  # not masked
        (masked(0xC1, b"x"), 1002),  # a reserved bit
        (masked(0x83, b"x"), 1002),  # an opcode that there is not
        (masked(0x09, b"x"), 1002),  # a ping in parts
        (masked(0x89, bytes(126)), 1002),  # a long ping
        (masked(0x80, b"x"), 1002),  # goes on with nothing
        (masked(0x01, b"x") + masked(0x81, b"y"), 1002),  # begins within another
        (bytes.fromhex("82fe0001") + MASK + b"x", 1002),  # a length longer than it need be
        (masked(0x81, b"\xff"), 1007),
        (masked(0x81, "ü".encode()[:1]), 1007),
        (masked(0x88, b"x"), 1002),
        (masked(0x88, (1005).to_bytes(2, "big")), 1002),
        (masked(0x88, (1000).to_bytes(2, "big") + b"\xff"), 1007),
    ],
)
def test_what_a_client_must_not_send(sent: bytes, code: int) -> None:
    with pytest.raises(Broken) as caught:
        list(Frames().feed(sent))
    assert caught.value.code == code


def test_ends() -> None:
    assert list(Frames().feed(masked(0x88, b"") + b"more")) == [Close(1005)]
    assert list(Frames().feed(masked(0x88, (1001).to_bytes(2, "big") + b"gone"))) == [Close(1001, "gone")]
    assert close(1000).hex() == "880203e8" and close(1005).hex() == "8800"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 40), st.binary(min_size=4, max_size=4))
def test_however_it_is_cut_the_same_comes_out(parts: list[bytes], cut: int, mask: bytes) -> None:
    """A message in as many frames, with a ping between them, fed a few bytes at a time."""
    last = len(parts) - 1
    firsts = [(0x80 if at == last else 0) | (0 if at else BINARY) for at in range(len(parts))]
    sent = masked(0x89, b"?", mask).join(masked(first, part, mask) for first, part in zip(firsts, parts, strict=True))
    frames, found = Frames(), []
    for at in range(0, len(sent), cut):
        found += frames.feed(sent[at : at + cut])
    assert b"".join(one.data for one in found if isinstance(one, Piece)) == b"".join(parts)
    assert [one for one in found if not isinstance(one, Piece)] == [Ping(b"?")] * last
