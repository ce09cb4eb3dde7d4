"""``linux.resources.devices`` on v2: a list of rules compiled to an eBPF program. Pure.

v2 has no devices controller; the kernel asks programs of type CGROUP_DEVICE instead, with

    struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }

where access_type is ``access << 16 | type``, and any answer but 0 allows. The rules count
in their order, the last one that speaks of an access decides it, and what no rule speaks
of is denied. So the program goes through them backwards with the set of accesses still
undecided: a deny rule for one of them denies, an allow rule takes its own out of the set,
and when the set is empty the request is allowed.

    r2 = type    r3 = undecided accesses    r4 = major    r5 = minor
"""

from __future__ import annotations

from struct import Struct

from rung.runtime.cgroup.controllers.devices import parts
from rung.runtime.cgroup.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rung.spec.runtime.config import DeviceCgroup

    Instruction = tuple[int, int, int, int | str, int]  # operation, dst, src, offset or end, immediate

_FIELD = "linux.resources.devices"
_INSN = Struct("=BBhi")  # struct bpf_insn: code, registers (dst | src << 4), offset, immediate

# Operation codes: class | source or size | operation (linux/bpf.h, linux/bpf_common.h).
LOAD_WORD = 0x61  # dst = *(u32 *)(src + off)
MOV = 0xB7  # dst = imm
AND = 0x57  # dst &= imm
SHIFT_RIGHT = 0x77  # dst >>= imm
JUMP_EQUAL = 0x15  # if dst == imm
JUMP_NOT_EQUAL = 0x55
JUMP_ANY_BIT = 0x45  # if dst & imm
EXIT = 0x95

TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_*
ACCESSES = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_*
_EVERYTHING = 7
_R0, _CTX, _TYPE, _UNDECIDED, _MAJOR, _MINOR = 0, 1, 2, 3, 4, 5
_ALLOW, _DENY = "allow", "deny"  # jump targets at the end
_LONGEST_JUMP = 0x7FFF

_PROLOGUE = (
    (LOAD_WORD, _TYPE, _CTX, 0, 0),
    (AND, _TYPE, 0, 0, 0xFFFF),
    (LOAD_WORD, _UNDECIDED, _CTX, 0, 0),
    (SHIFT_RIGHT, _UNDECIDED, 0, 0, 16),
    (LOAD_WORD, _MAJOR, _CTX, 4, 0),
    (LOAD_WORD, _MINOR, _CTX, 8, 0),
)


def device_program(rules: Iterable[DeviceCgroup]) -> bytes:
    """The instructions for ``rules`` (as in the configuration), to be given to ``bpf(2)``."""
    body: list[Instruction] = []
    otherwise = _DENY
    for rule in reversed(list(rules)):
        (kind, major, minor), letters = parts(rule)
        access = sum(ACCESSES[letter] for letter in letters)
        if kind == "a" and major < 0 and minor < 0 and access == _EVERYTHING:
            otherwise = _ALLOW if rule["allow"] else _DENY
            break  # nothing before it matters
        body += _rule(rule["allow"], kind, major, minor, access)
    return _assemble(body, otherwise)


def _rule(allow: bool, kind: str, major: int, minor: int, access: int) -> list[Instruction]:
    """Is it this device? Then decide what this rule speaks of."""
    for number in (major, minor):
        if number > 0x7FFFFFFF:
            raise CgroupError(f"set {_FIELD}", "", f"{number} is no device number")
    verdict: list[Instruction]
    if allow:
        verdict = [(AND, _UNDECIDED, 0, 0, ~access), (JUMP_EQUAL, _UNDECIDED, 0, _ALLOW, 0)]
    else:
        verdict = [(JUMP_ANY_BIT, _UNDECIDED, 0, _DENY, access)]
    wanted = [(_TYPE, TYPES[kind])] if kind != "a" else []
    wanted += [(register, number) for register, number in ((_MAJOR, major), (_MINOR, minor)) if number >= 0]
    found: list[Instruction] = []
    for register, number in reversed(wanted):
        found.insert(0, (JUMP_NOT_EQUAL, register, 0, len(found) + len(verdict), number))
    return found + verdict


def _assemble(body: Sequence[Instruction], otherwise: str) -> bytes:
    """Jumps to the end get their distance. The end is the default, then the other answer,
    if anything leads to it: the kernel refuses code that nothing leads to."""
    length = len(body)
    if length > _LONGEST_JUMP - len(_PROLOGUE):
        raise CgroupError(f"set {_FIELD}", "", "these are more rules than one program can hold")
    code: list[Instruction] = [*_PROLOGUE]
    for at, (operation, register, source, offset, immediate) in enumerate(body):
        if isinstance(offset, str):
            offset = length - at - 1 + (0 if offset == otherwise else len(_answer(otherwise)))
        code.append((operation, register, source, offset, immediate))
    code += _answer(otherwise)
    other = _DENY if otherwise == _ALLOW else _ALLOW
    if any(offset == other for _, _, _, offset, _ in body):
        code += _answer(other)
    return b"".join(
        [_INSN.pack(op, dst | src << 4, offset, immediate) for op, dst, src, offset, immediate in code]
    )


def _answer(end: str) -> list[Instruction]:
    return [(MOV, _R0, 0, 0, int(end == _ALLOW)), (EXIT, 0, 0, 0, 0)]
