"""rtnetlink's messages: bytes out, bytes in."""

from __future__ import annotations

import struct

import pytest

from rung.kernel import rtnetlink
from rung.kernel.rtnetlink import Answer, NetlinkError


def message(kind: int, body: bytes, flags: int = 0) -> bytes:
    whole = struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body
    return whole + bytes(-len(whole) % 4)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_a_move_names_device_namespace_and_name():
    found = rtnetlink.move_link(7, "eth0", 42)
    length, kind, flags = struct.unpack_from("=IHH", found)
    assert (length, kind, flags) == (len(found), rtnetlink.NEWLINK, 1 | 4)
    assert struct.unpack_from("=BBHiII", found, 16)[3] == 7
    assert found[32:] == attribute(3, b"eth0\0") + attribute(19, struct.pack("=I", 42))


def test_up_and_down_change_that_flag_only():
    assert struct.unpack_from("=BBHiII", rtnetlink.set_up(7, up=True), 16)[3:] == (7, 1, 1)
    assert struct.unpack_from("=BBHiII", rtnetlink.set_up(7, up=False), 16)[3:] == (7, 0, 1)


def test_links_and_their_end():
    link = struct.pack("=BBHiII", 0, 0, 1, 3, 0x1043, 0) + attribute(13, b"noqueue\0") + attribute(3, b"eth0\0")
    answer = Answer()
    answer.feed(message(rtnetlink.NEWLINK, link, 2) * 2)
    assert not answer.whole
    answer.feed(message(3, bytes(4), 2))
    assert answer.whole
    assert [(each.index, each.name, each.flags) for each in answer.links] == [(3, "eth0", 0x1043)] * 2


def test_one_link_is_whole_at_once():
    answer = Answer()
    answer.feed(message(rtnetlink.NEWLINK, struct.pack("=BBHiII", 0, 0, 1, 3, 0, 0)))
    assert answer.whole


def test_an_address_goes_and_comes():
    local, label = attribute(2, bytes([198, 51, 100, 7])), attribute(3, b"eth0\0")
    flags = attribute(8, struct.pack("=I", 0x280))
    answer = Answer()
    answer.feed(message(rtnetlink.NEWADDR, struct.pack("=BBBBI", 2, 24, 0x80, 0, 3) + label + local + flags))
    (address,) = answer.addresses
    assert (address.family, address.prefix, address.flags) == (2, 24, 0x280)
    again = rtnetlink.add_address(address, 9)
    assert struct.unpack_from("=BBBBI", again, 16) == (2, 24, 0, 0, 9)
    assert local in again
    assert label not in again
    assert attribute(8, struct.pack("=I", 0x200)) in again, "permanent is the kernel's to say"


def test_a_refusal_and_an_agreement():
    answer = Answer()
    answer.feed(message(2, struct.pack("=i", 0) + bytes(16)))
    assert answer.whole
    with pytest.raises(NetlinkError) as caught:
        Answer().feed(message(2, struct.pack("=i", -17) + bytes(16)))
    assert caught.value.errno == 17


@pytest.mark.parametrize("data", [b"", b"\0" * 15, message(16, b""), struct.pack("=IHHII", 0, 99, 0, 0, 0)])
def test_what_is_too_short_makes_no_loop(data):
    try:
        Answer().feed(data)
    except struct.error:
        pass
