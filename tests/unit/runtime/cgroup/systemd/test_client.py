from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.cgroup.systemd import message
from rung.runtime.cgroup.systemd.client import Client, Rejected
from rung.runtime.cgroup.systemd.marshal import Malformed, Variant

LET_IN = b"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n"


def answer(serial: int, text: str) -> bytes:
    return message.encode(message.RETURN, 9, {message.REPLY_SERIAL: Variant("u", serial)}, "s", (text,))


def test_the_identity_is_left_to_the_kernel_to_say() -> None:
    assert Client().greet() == b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"


def test_a_call_as_the_wire_has_it() -> None:
    serial, data = Client().call("a.b", "/p", "a.i", "M", "s", ("x",))
    assert serial == 1
    assert data[:16] == b"l\1\0\1" + bytes([6, 0, 0, 0, 1, 0, 0, 0, 71, 0, 0, 0])
    assert data.endswith(b"\1\0\0\0x\0")
    assert len(data) == 16 + 71 + 1 + 6  # the padding between is in neither length
    found = message.parse(data)
    assert (found.kind, found.serial, found.path, found.interface, found.member, found.body) == (
        message.CALL, 1, "/p", "a.i", "M", ["x"],
    )  # fmt: skip


def test_calls_are_numbered() -> None:
    client = Client()
    assert [client.call("", "/", "i", "M")[0] for _ in range(3)] == [1, 2, 3]


@given(st.integers(1, 60))
def test_answers_come_whole_however_they_are_cut(size: int) -> None:
    client = Client()
    stream = LET_IN + answer(1, "first") + answer(2, "second")
    found = [one for at in range(0, len(stream), size) for one in client.receive(stream[at : at + size])]
    assert [(one.reply_to, one.body) for one in found] == [(1, ["first"]), (2, ["second"])]


def test_who_is_not_let_in_is_told_what_the_server_said() -> None:
    with pytest.raises(Rejected, match="REJECTED EXTERNAL"):
        Client().receive(b"REJECTED EXTERNAL DBUS_COOKIE_SHA1\r\n")


def test_an_error_carries_its_name() -> None:
    client = Client()
    fields = {message.REPLY_SERIAL: Variant("u", 1), message.ERROR_NAME: Variant("s", "a.NoSuchUnit")}
    (found,) = client.receive(LET_IN + message.encode(message.ERROR, 3, fields, "s", ("gone",)))
    assert (found.kind, found.error, found.body) == (message.ERROR, "a.NoSuchUnit", ["gone"])


@pytest.mark.parametrize(
    "garbage",
    [b"\xff" * 16, b"l\1\0\2" + bytes(12), b"l\1\0\1" + b"\xff" * 12, b"l\2\0\1" + bytes(4) + b"\1\0\0\0\4\0\0\0zzzz\0\0\0\0"],
)
def test_what_is_no_message_is_refused(garbage: bytes) -> None:
    client = Client()
    with pytest.raises(Malformed):
        client.receive(LET_IN + garbage)
