from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.cgroup.systemd.marshal import Malformed, Reader, Variant, marshal, types


def test_a_signature_falls_into_its_types() -> None:
    assert types("ssa(sv)a(sa(sv))y") == ["s", "s", "a(sv)", "a(sa(sv))", "y"]
    assert types("a{sv}aay") == ["a{sv}", "aay"]
    assert types("") == []


@pytest.mark.parametrize("signature", ["a", "(s", "z", "a{s", "s)", "a" * 40 + "s"])
def test_what_is_no_signature_is_said_to_be_none(signature: str) -> None:
    with pytest.raises(Malformed):
        types(signature)


def test_the_specifications_example_of_an_array() -> None:
    """"Marshaling containers": an array of one INT64 5 has its length, four bytes of padding, the number."""
    assert marshal("ax", ([5],)) == bytes([8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])


def test_alignment_is_counted_from_the_beginning() -> None:
    assert marshal("yu", (1, 2)) == bytes([1, 0, 0, 0, 2, 0, 0, 0])
    assert marshal("y(y)", (1, (2,))) == bytes([1, 0, 0, 0, 0, 0, 0, 0, 2])
    assert marshal("sv", ("ab", Variant("t", 3))) == b"\2\0\0\0ab\0" + b"\1t\0" + bytes(6) + bytes([3]) + bytes(7)


def test_a_string_has_its_length_and_ends_in_nul() -> None:
    """"Marshaling Basic Types", the example "foo", "+", "bar" with 4-byte alignment between."""
    assert marshal("sss", ("foo", "+", "bar")) == b"\3\0\0\0foo\0" + b"\1\0\0\0+\0\0\0" + b"\3\0\0\0bar\0"


VALUES = st.deferred(
    lambda: st.one_of(
        st.integers(0, 255).map(lambda n: Variant("y", n)),
        st.booleans().map(lambda n: Variant("b", n)),
        st.integers(-(2**15), 2**15 - 1).map(lambda n: Variant("n", n)),
        st.integers(0, 2**32 - 1).map(lambda n: Variant("u", n)),
        st.integers(-(2**63), 2**63 - 1).map(lambda n: Variant("x", n)),
        st.integers(0, 2**64 - 1).map(lambda n: Variant("t", n)),
        st.floats(allow_nan=False).map(lambda n: Variant("d", n)),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map(lambda s: Variant("s", s)),
        st.lists(st.text("ab/")).map(lambda items: Variant("as", items)),
        st.binary().map(lambda data: Variant("ay", data)),
        st.dictionaries(st.text("xyz"), VALUES, max_size=3).map(lambda found: Variant("a{sv}", found)),
        st.lists(VALUES, min_size=1, max_size=3).map(
            lambda items: Variant(f"({'v' * len(items)})", tuple(items))
        ),
    )
)


@given(st.lists(VALUES, max_size=6))
def test_what_is_written_is_read(values: list[Any]) -> None:
    data = marshal("av", (values,))
    assert Reader(data).read("av") == [values]


@given(st.binary(max_size=200), st.sampled_from(["av", "a{sv}", "a(sa(sv))", "ssb", "g", "a()"]))
def test_any_bytes_are_read_or_refused(data: bytes, signature: str) -> None:
    try:
        Reader(data).read(signature)
    except Malformed:
        pass


def test_the_other_byte_order_is_read() -> None:
    data = struct.pack(">I2s2xI", 1, b"a\0", 7)
    assert Reader(data, ">").read("su") == ["a", 7]


@pytest.mark.parametrize(("signature", "values"), [("y", (256,)), ("u", (-1,)), ("t", ("x",)), ("(su)", (("a",),)), ("ss", ("a",))])
def test_values_that_do_not_fit_are_refused(signature: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(Malformed):
        marshal(signature, values)
