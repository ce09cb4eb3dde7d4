"""steps.py and steps.h say the same."""

from __future__ import annotations

import re

import native
from rung.runtime.plan import steps


def test_codes_names_and_letters_agree():
    text = (native.INIT_SOURCES / "steps.h").read_text()
    in_c = {
        name: (int(code), wire)
        for code, name, wire in re.findall(r'STEP\((\d+), (\w+), \w+, "(\w*)", (?:ANY|OUTER)\)', text)
    }
    in_python = {kind.__name__: (kind.code, kind.wire) for kind in steps.kinds()}
    assert in_c == in_python


def test_letters_are_as_many_as_the_fields():
    for kind in steps.kinds():
        assert len(kind.wire) == len(kind.fields), kind.__name__
