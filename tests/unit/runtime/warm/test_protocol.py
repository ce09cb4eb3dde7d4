"""What launcher and server say, byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.warm import protocol

STRINGS = st.lists(st.binary(max_size=8).map(lambda text: text.replace(b"\0", b"")), max_size=5)


def said(words: list[bytes], environment: list[bytes], umask: int = 0o22) -> bytes:
    """A hello as the launcher writes it."""
    parts = [struct.pack("=I", umask)]
    for strings in (words, environment):
        parts += [struct.pack("=I", len(strings)), *(text + b"\0" for text in strings)]
    return b"".join(parts)


@given(STRINGS, STRINGS, st.integers(0, 0o777))
def test_hello(words, names, umask):
    hello = protocol.Hello(said(words, [name + b"=a=b" for name in names], umask))
    assert hello.words == words
    assert hello.umask == umask
    assert all(value.endswith(b"a=b") for value in hello.environment.values())


@given(st.binary(max_size=40))
def test_what_is_no_hello_is_a_value_error(message):
    try:
        protocol.Hello(message)
    except (ValueError, struct.error):
        return


@given(st.data())
def test_a_hello_cut_short_is_refused(data):
    whole = said([b"state", b"x"], [b"A=1"])
    with pytest.raises((ValueError, struct.error)):
        protocol.Hello(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_spawn():
    message = protocol.spawn(
        5, "/bin/x", ["x", "ü"], [("A", "1")], [0, 19], program_is_first=False, default_signals=True
    )
    assert message == (
        b"s" + struct.pack("=iiiii", 5, 1, 0, 0, 19) + b"/bin/x\0" + struct.pack("=i", 2) + "x\0ü\0".encode()
        + struct.pack("=i", 1) + b"A=1\0"
    )


def test_the_rest():
    assert protocol.wait(3, 7) == b"w" + struct.pack("=ii", 3, 7)
    assert protocol.end(130) == b"x" + struct.pack("=i", 130)
    assert protocol.answer(struct.pack("=ii", 3, -2)) == (3, -2)
