"""Messages to bytes and back; the bytes are those of the encoding guide's examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.spec.protobuf import BadMessage, Message, field, parts


class Inner(Message):
    name: str = field(1)


class Example(Message):
    number: int = field(1)
    text: str = field(2)
    inner: Inner | None = field(3, Inner)
    packed: list[int] = field(4)
    big: int = field(5, unsigned=True)
    many: list[Inner] = field(6, Inner)
    labels: dict[str, str] = field(7)
    raw: bytes = field(8)
    yes: bool = field(9)


class Explicit(Message, explicit=True):
    number: int = field(1)


def test_the_guides_examples() -> None:
    assert Example(number=150).encode() == bytes.fromhex("089601")
    assert Example(text="testing").encode() == bytes.fromhex("120774657374696e67")
    assert Example(inner=Inner(name="a")).encode() == bytes.fromhex("1a030a0161")
    assert Example.decode(bytes.fromhex("2206038e029ea705")).packed == [3, 270, 86942]


def test_what_was_not_given_has_its_default_and_is_not_written() -> None:
    empty = Example.decode(b"")
    assert (empty.number, empty.text, empty.inner, empty.packed, empty.labels, empty.raw, empty.yes) == (
        0, "", None, [], {}, b"", False,
    )  # fmt: skip
    assert empty.encode() == b""
    assert Example(number=0, text="", yes=False).encode() == b""


def test_an_explicit_message_writes_a_default_that_was_given() -> None:
    assert Explicit(number=0).encode() == b"\x08\x00"
    assert Explicit().encode() == b""


def test_a_list_that_is_added_to_after_decoding_is_written() -> None:
    message = Example()
    message.many.append(Inner(name="b"))
    assert Example.decode(message.encode()).many == [Inner(name="b")]


def test_an_empty_inner_message_is_there() -> None:
    assert Example.decode(Example(inner=Inner()).encode()).inner == Inner()


def test_unknown_fields_are_passed_over() -> None:
    later = bytes.fromhex("a00601 a9060000000000000000 ad0600000000 a2060161")
    assert Example.decode(later + Example(number=7).encode()) == Example(number=7)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("08", "does not end"),
        ("08ffffffffffffffffffff01", "does not end"),
        ("1205616263", "longer than its message"),
        ("0b", "wire type 3"),
        ("1001", "bytes belong"),
        ("0a0161", "no number"),
    ],
)
def test_bytes_that_are_no_message(data: str, said: str) -> None:
    with pytest.raises(BadMessage, match=said):
        Example.decode(bytes.fromhex(data))


def test_a_field_that_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="no field nmae"):
        Example(nmae="x")
    with pytest.raises(AttributeError, match="nmae"):
        Example().nmae  # noqa: B018


@given(
    st.builds(
        Example,
        number=st.integers(-(2**63), 2**63 - 1),
        text=st.text(),
        inner=st.none() | st.builds(Inner, name=st.text()),
        packed=st.lists(st.integers(-(2**63), 2**63 - 1)),
        big=st.integers(0, 2**64 - 1),
        many=st.lists(st.builds(Inner, name=st.text())),
        labels=st.dictionaries(st.text(), st.text()),
        raw=st.binary(),
        yes=st.booleans(),
    )
)
def test_there_and_back(message: Example) -> None:
    again = Example.decode(message.encode())
    assert again == message
    assert (again.number, again.big, again.packed) == (message.number, message.big, message.packed)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        assert sum(1 for _ in parts(data)) <= len(data)
        Example.decode(data)
    except BadMessage:
        pass
