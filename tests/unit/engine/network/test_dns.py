"""The name service: what it answers itself, and what it leaves to others."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, unpack_from

from hypothesis import given
from hypothesis import strategies as st

from rung.engine.network.dns import message
from rung.engine.network.dns.server import NameServer


def query(name: str, kind: int = message.A) -> bytes:
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    return pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + pack(">HH", kind, message.IN)


def server() -> NameServer:
    known = {"web": ["10.0.0.2", "10.0.0.3"], "six": ["10.0.0.4", "fd00::4"]}
    return NameServer(known.get, lambda address: "web.net" if address == "10.0.0.2" else "", [], in_place)


async def in_place(work: Callable[..., object], *arguments: object) -> object:
    return work(*arguments)


def test_a_question() -> None:
    found = message.parse(query("Web.Net"))
    assert found is not None
    assert (found.id, found.name, found.kind, found.end) == (7, "Web.Net", message.A, len(query("Web.Net")))


def test_a_name_of_ours() -> None:
    answer = server().local_answer(query("WEB"))
    assert answer is not None
    number, flags, questions, answers = unpack_from(">HHHH", answer)
    assert (number, flags & 0x8180, flags & 0xF, questions, answers) == (7, 0x8180, 0, 1, 2)
    assert answer.endswith(bytes((10, 0, 0, 3)))


def test_a_name_of_ours_has_no_other_records() -> None:
    answer = server().local_answer(query("web", message.AAAA))
    assert answer is not None
    assert unpack_from(">HHHH", answer)[1:] == (0x8180, 1, 0)


def test_a_name_with_both_families() -> None:
    answer = server().local_answer(query("six", message.AAAA))
    assert answer is not None
    assert unpack_from(">HHHH", answer)[3] == 1
    assert answer.endswith(pack(">HHIH", message.AAAA, message.IN, message.TTL_S, 16) + bytes.fromhex("fd00" + "0" * 27 + "4"))
    assert message.reverse_address("4." + "0." * 27 + "0.0.d.f.ip6.arpa") == "fd00::4"
    assert message.reverse_address("4.0.d.f.ip6.arpa") == ""


def test_a_name_that_nobody_has_is_asked_of_others() -> None:
    assert server().local_answer(query("example.org")) is None


def test_an_address_of_ours() -> None:
    answer = server().local_answer(query("2.0.0.10.in-addr.arpa", message.PTR))
    assert answer is not None
    assert answer.endswith(b"\3web\3net\0")
    assert server().local_answer(query("9.0.0.10.in-addr.arpa", message.PTR)) is None
    assert message.reverse_address("x.0.0.10.in-addr.arpa") == ""


@given(st.binary(max_size=80))
def test_any_bytes_are_a_question_or_none(data: bytes) -> None:
    found = message.parse(data)
    assert found is None or found.end <= len(data)
