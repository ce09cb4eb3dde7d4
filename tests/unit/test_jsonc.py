"""The fast JSON agrees with the standard library's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung import jsonc

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_reads_and_writes_what_the_standard_library_does(value: object) -> None:
    assert jsonc.loads(json.dumps(value, indent=1)) == value
    assert jsonc.loads(" \n" + jsonc.dumps(value) + "\t") == value
    assert json.loads(jsonc.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{} x", "nul", '{"a": }', '"\x01"', b"\xff"])
def test_what_is_not_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeDecodeError and JSONDecodeError are both it
        jsonc.loads(text)


def test_nesting_without_end_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        jsonc.loads("[" * 200_000 + "]" * 200_000)


def test_what_is_not_a_json_value_is_refused() -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        jsonc.dumps({"a": object()})


def test_an_object_as_pairs() -> None:
    assert jsonc.loads('{"a": 1, "a": {"b": 2}}', pairs=list) == [("a", 1), ("a", [("b", 2)])]
