"""Conditions on arguments, as instructions.

The kernel's filter machine has 32-bit words, arguments have 64 bits: a comparison looks
at the upper half first, and at the lower where that decides nothing. 32-bit architectures
compare the lower half only.
"""

from __future__ import annotations

from rung.runtime.seccomp import bpf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.seccomp.architecture import Architecture
    from rung.runtime.seccomp.rules import Condition, Rule

#: Operators that are another one's opposite.
_OPPOSITE = {"SCMP_CMP_NE": "SCMP_CMP_EQ", "SCMP_CMP_LT": "SCMP_CMP_GE", "SCMP_CMP_LE": "SCMP_CMP_GT"}
_ORDER = {"SCMP_CMP_GT": bpf.JUMP_GREATER, "SCMP_CMP_GE": bpf.JUMP_GREATER_OR_EQUAL}
_WORD = 0xFFFFFFFF


def write_rules(
    program: bpf.Program, rules: tuple[Rule, ...], default: int, architecture: Architecture
) -> int:
    """Try the rules in order, else return ``default``. The label of the first instruction."""
    label = program.returning(default)
    for conditions, value in reversed(rules):
        failed = label
        label = program.returning(value)
        for condition in reversed(conditions):
            label = _write(program, condition, label, failed, architecture)
    return label


def _write(
    program: bpf.Program, condition: Condition, held: int, failed: int, architecture: Architecture
) -> int:
    operator, index, mask, value = condition
    if operator in _OPPOSITE:
        operator, held, failed = _OPPOSITE[operator], failed, held
    at = bpf.ARGS_AT + 8 * index
    lower, upper = (at + 4, at) if architecture.big_endian else (at, at + 4)
    if operator in _ORDER:
        program.branch(_ORDER[operator], value & _WORD, held, failed)
        label = program.load(lower)
        if architecture.wide:
            equal = program.branch(bpf.JUMP_EQUAL, value >> 32, label, failed)
            program.branch(bpf.JUMP_GREATER, value >> 32, held, equal)
            label = program.load(upper)
        return label
    if mask & _WORD:
        held = _write_equal(program, lower, mask & _WORD, value & _WORD, held, failed)
    if architecture.wide and mask >> 32:
        held = _write_equal(program, upper, mask >> 32, value >> 32, held, failed)
    return held


def _write_equal(program: bpf.Program, at: int, mask: int, value: int, held: int, failed: int) -> int:
    program.branch(bpf.JUMP_EQUAL, value, held, failed)
    if mask != _WORD:
        program.mask(mask)
    return program.load(at)
