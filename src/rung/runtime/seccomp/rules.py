"""A profile as what happens to each system call of one architecture.

Follows config-linux.md#seccomp, and libseccomp (as runc uses it) where the specification
is silent, because that is what profiles are written against:

* the conditions of a rule go together (and), the rules of a call are alternatives (or);
  where one argument occurs twice in a rule, each condition is a rule of its own;
* a rule without conditions takes the place of all others for its call; the first one counts;
* a rule with the default action says nothing;
* names that are not known are passed over;
* on 32-bit architectures conditions see the lower half of the value.

Rules with conditions and different actions that match the same arguments are tried in
the profile's order.
"""

from __future__ import annotations

from rung.runtime.seccomp.architecture import IPC_CALLS, SOCKETCALLS
from rung.runtime.seccomp.numbers import numbers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    from rung.runtime.seccomp.architecture import Architecture
    from rung.spec.runtime.config import Seccomp, SyscallArg

    #: (operator, index of the argument, mask, value); the mask counts for MASKED_EQ only.
    Condition: TypeAlias = tuple[str, int, int, int]
    #: Conditions that hold together, and what is returned then.
    Rule: TypeAlias = tuple[tuple[Condition, ...], int]
    #: What a call gets: one value, or alternatives before the default.
    Outcome: TypeAlias = int | tuple[Rule, ...]

#: Action -> SECCOMP_RET_*.
ACTIONS: Final[dict[str, int]] = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_WITH_NUMBER = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_EPERM = 1


def action_value(action: str, number: int | None) -> int:
    """SECCOMP_RET_* with its data; ERRNO and TRACE return EPERM unless a number is given."""
    value = ACTIONS[action]
    if action in _WITH_NUMBER:
        value |= (_EPERM if number is None else number) & 0xFFFF
    return value


class Profile:
    """A seccomp section in the kernel's terms; the same for all architectures."""

    def __init__(self, seccomp: Seccomp) -> None:
        self.default = action_value(seccomp["defaultAction"], seccomp.get("defaultErrnoRet"))
        self.syscalls = [
            (call["names"], action_value(call["action"], call.get("errnoRet")), call.get("args", []))
            for call in seccomp.get("syscalls", [])
        ]

    def calls_of(self, architecture: Architecture) -> tuple[dict[int, Outcome], int]:
        """Number -> outcome, and the largest number that the profile names at all."""
        numbers = numbers_of(architecture.numbers)
        found: dict[int, Outcome] = {}
        largest = 0
        for names, value, args in self.syscalls:
            alternatives = _alternatives(args, architecture.wide)
            for name in names:
                number = numbers.get(name)
                if number is not None:
                    largest = max(largest, number)
                    if value != self.default:
                        _add(found, number, alternatives, value)
                through, call = multiplexer(name) if architecture.multiplexed else ("", 0)
                if through in numbers:
                    largest = max(largest, numbers[through])
                    if value != self.default:
                        _add(found, numbers[through], _called(alternatives, call), value)
        return found, largest


def _alternatives(args: list[SyscallArg], wide: bool) -> list[tuple[Condition, ...]]:
    conditions = [_condition(arg, wide) for arg in args]
    indexes = [condition[1] for condition in conditions]
    if len(set(indexes)) < len(indexes):
        return [_needed((condition,)) for condition in conditions]
    return [_needed(tuple(conditions))]


def _condition(arg: SyscallArg, wide: bool) -> Condition:
    kept = 0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF
    value, second = arg["value"] & kept, arg.get("valueTwo", 0) & kept
    if arg["op"] == "SCMP_CMP_MASKED_EQ":
        return (arg["op"], arg["index"], value, second & value)
    return (arg["op"], arg["index"], kept, value)


def _needed(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Without those that always hold: an empty mask equals everything."""
    return tuple(condition for condition in conditions if condition[2])


def _add(
    found: dict[int, Outcome], number: int, alternatives: list[tuple[Condition, ...]], value: int
) -> None:
    before = found.get(number, ())
    if type(before) is int:
        return
    if () in alternatives:
        found[number] = value
    else:
        found[number] = (*before, *((conditions, value) for conditions in alternatives))  # type: ignore[misc]


def multiplexer(name: str) -> tuple[str, int]:
    """``socketcall`` or ``ipc``, and the first argument that means this call; "" where neither."""
    if name in SOCKETCALLS:
        return "socketcall", SOCKETCALLS[name]
    return ("ipc", IPC_CALLS[name]) if name in IPC_CALLS else ("", 0)


def _called(alternatives: list[tuple[Condition, ...]], call: int) -> list[tuple[Condition, ...]]:
    """The same alternatives by way of a multiplexer.

    The call's own arguments lie in memory then, where a filter cannot look: the first one's
    condition gives way to the call's number, and others compare what the multiplexer has in
    their place, as in libseccomp. A profile that depends on arguments refuses the multiplexer."""
    first: Condition = ("SCMP_CMP_EQ", 0, 0xFFFFFFFFFFFFFFFF, call)
    return [(first, *(c for c in conditions if c[1] != 0)) for conditions in alternatives]
