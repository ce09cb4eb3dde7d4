"""Plans as bytes, and back."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_configs import config, plan
from rung.runtime.plan import steps, wire

KINDS = steps.kinds()
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
FIELDS = {
    "u": st.integers(0, 2**64 - 1),
    "i": st.integers(-(2**63), 2**63 - 1),
    "s": TEXT,
    "b": st.binary(max_size=30),
    "S": st.lists(TEXT, max_size=4).map(tuple),
    "U": st.lists(st.integers(0, 2**64 - 1), max_size=4).map(tuple),
}
ANY_STEP = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(*(FIELDS[letter] for letter in kind.wire)).map(lambda values: kind(*values))
)


@given(st.lists(ANY_STEP, max_size=12))
def test_what_is_written_is_read_back(made: list[steps.Step]) -> None:
    file = wire.encode(made, {}).whole()
    assert wire.decode(file) == tuple(made)
    assert wire.read_ledger(file, with_calls=True).began_ns == (0,) * len(made)


def test_a_real_plan_is_read_back() -> None:
    made = plan(config(), seccomp_program=b"x" * 24)
    assert wire.decode(wire.encode(made.steps, {0: 9}).whole()) == made.steps


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_step_has_a_letter_for_each_field_and_a_code_of_its_own(kind: type[steps.Step]) -> None:
    assert len(kind.wire) == len(kind.fields)
    assert [other for other in KINDS if other.code == kind.code] == [kind]


def test_steps_are_aligned() -> None:
    for length in range(20):
        assert len(wire.encode_step(steps.SetHostname("x" * length))) % 8 == 0


def test_a_file_of_another_version_is_refused() -> None:
    file = bytearray(wire.encode([], {}).whole())
    struct.pack_into("<I", file, len(wire.MAGIC), wire.VERSION + 1)
    with pytest.raises(ValueError, match="not a plan of this version"):
        wire.decode(bytes(file))


def test_rung_init_is_compiled_from_the_same_table() -> None:
    header = Path(steps.__file__).parent.parent / "init" / "steps.h"
    rows = re.findall(r'^ +STEP\((\d+), (\w+), \w+, "(\w*)", (?:OUTER|ANY)\)', header.read_text(), re.MULTILINE)
    assert sorted((kind.code, kind.__name__, kind.wire) for kind in KINDS) == sorted(
        (int(code), name, letters) for code, name, letters in rows
    )
