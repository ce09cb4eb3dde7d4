"""JSON in Go's spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.cli.json_text import compact, indented

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(documents)
def test_it_reads_back_as_what_it_was(document):
    assert json.loads(compact(document)) == document
    assert json.loads(indented(document, "  ")) == document


@given(documents)
def test_indented_has_one_member_a_line(document):
    expected = json.dumps(document, indent=2)
    assert len(indented(document, "  ").split("\n")) == len(expected.split("\n"))


def test_go_spelling():
    value = {"a": [1, True, None], "b": {}, "c": [], "d": '<é\u2028&>"\n', "e": 2.0, "f": 0.5}
    assert compact(value) == (
        '{"a":[1,true,null],"b":{},"c":[],"d":"\\u003cé\\u2028\\u0026\\u003e\\"\\n","e":2,"f":0.5}'
    )


def test_indented_as_runc_prints_a_state():
    assert indented({"id": "x", "n": {"a": "b"}, "l": [1, 2], "e": {}}, "  ") == (
        '{\n  "id": "x",\n  "n": {\n    "a": "b"\n  },\n  "l": [\n    1,\n    2\n  ],\n  "e": {}\n}'
    )


def test_bytes_of_a_path_that_are_no_utf_8_become_the_replacement_character():
    assert compact(b"/a\xff".decode("utf-8", "surrogateescape")) == '"/a\ufffd"'


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError, match="not a JSON value"):
        compact({"a": object()})
