"""A seccomp section compiled to the program that the kernel runs at every system call.

The numbers from 0 to 2^32 are cut into the fewest ranges with one outcome each, and a
binary search finds the range: Docker's profile takes about eight comparisons for any
call. All that depends on the number alone is in the ranges, also

* calls newer than the profile. Programs probe for new calls and fall back on ENOSYS; the
  EPERM of a profile's default breaks them. So what lies past the largest number that the
  profile names returns ENOSYS, as in runc, unless the default action lets calls pass;
* x32's numbers, which are foreign to an x86_64 filter without x32;
* number -1, which a tracer sets to skip a call.

Calls of an architecture that the profile does not name end the thread, which is what
libseccomp does and profiles count on.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.runtime.seccomp import bpf
from rung.runtime.seccomp.architecture import ARCHITECTURES, COMPANIONS, MACHINES, X32_BIT
from rung.runtime.seccomp.conditions import write_rules
from rung.runtime.seccomp.flags import has_filter
from rung.runtime.seccomp.rules import ACTIONS, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rung.runtime.seccomp.architecture import Architecture
    from rung.runtime.seccomp.rules import Outcome
    from rung.spec.runtime.config import Seccomp

    #: Where a range begins, and what its calls get; it ends where the next begins.
    Segment: TypeAlias = tuple[int, Outcome]

_ENOSYS = ACTIONS["SCMP_ACT_ERRNO"] | 38
_FOREIGN = ACTIONS["SCMP_ACT_KILL_THREAD"]
_PASSING = (0x7FF00000, 0x7FFC0000, 0x7FFF0000)  # TRACE, LOG, ALLOW
_END = 1 << 32
_SKIPPED = _END - 1  # number -1


def compile_filter(seccomp: Seccomp, *, native: str) -> bytes:
    """``struct sock_filter[]`` for a kernel of the machine ``native`` (``uname -m``).

    Empty where the section asks for no filter. Raises ``RungError`` for a machine or
    a size that cannot be had."""
    if not has_filter(seccomp):
        return b""
    profile = Profile(seccomp)
    program = bpf.Program()
    sections = []
    for group in _groups(seccomp.get("architectures", []), native):
        sections.append((group[0].token, _write_section(program, profile, group)))
    dispatch = program.returning(_FOREIGN)
    for token, section in sections:
        dispatch = program.branch(bpf.JUMP_EQUAL, token, section, dispatch)
    program.load(bpf.ARCHITECTURE_AT)
    if len(program) > bpf.MAX_INSTRUCTIONS:
        hint = f"the kernel takes {bpf.MAX_INSTRUCTIONS}: write fewer rules with arguments"
        raise RungError("compile", "linux.seccomp", f"{len(program)} instructions", hint)
    return program.to_bytes()


def _groups(named: list[str], native: str) -> list[list[Architecture]]:
    """The architectures of the filter, those of one token together, the native one last.

    The native one is always in, also where the profile forgets it (Docker's on ppc64le)."""
    if native not in MACHINES:
        raise RungError(
            "compile", "linux.seccomp", f"the system calls of {native} are not known", "remove linux.seccomp"
        )
    own = MACHINES[native]
    groups: dict[int, list[Architecture]] = {}
    for name in (own, *COMPANIONS.get(own, ())):
        if name == own or name in named:
            architecture = ARCHITECTURES[name]
            groups.setdefault(architecture.token, []).append(architecture)
    return list(reversed(groups.values()))


def _write_section(program: bpf.Program, profile: Profile, group: list[Architecture]) -> int:
    segments = _segments(profile, group)
    program.follow(_write_search(program, profile, segments, group))
    return program.load(bpf.NUMBER_AT)


def _segments(profile: Profile, group: list[Architecture]) -> list[Segment]:
    """All numbers of one token, in order; neighbours differ."""
    calls: dict[int, Outcome] = {}
    largest = {}
    for architecture in group:
        found, largest[architecture.numbers] = profile.calls_of(architecture)
        calls.update(found)
    background = _background(profile.default, largest)
    segments: list[Segment] = []
    numbers = sorted(calls)
    position = 0
    for index, (start, outcome) in enumerate(background):
        end = background[index + 1][0] if index + 1 < len(background) else _END
        while position < len(numbers) and numbers[position] < end:
            number = numbers[position]
            if number > start:
                _extend(segments, start, outcome)
            _extend(segments, number, calls[number])
            start = number + 1
            position += 1
        if start < end:
            _extend(segments, start, outcome)
    return segments


def _extend(segments: list[Segment], start: int, outcome: Outcome) -> None:
    if not segments or segments[-1][1] != outcome:
        segments.append((start, outcome))


def _background(default: int, largest: dict[str, int]) -> list[Segment]:
    """What numbers get that no rule names. Where ENOSYS lies is runc's (patchbpf): on x86_64
    the number's bit 30 says whether x86_64's or x32's largest call is meant."""
    stub = default & 0xFFFF0000 not in _PASSING
    if "x86_64" not in largest:
        (top,) = largest.values()
        if not stub or not top:
            return [(0, default)]
        # s390 puts calls that the kernel does not know at 0, which is none itself.
        first = _ENOSYS if "s390" in next(iter(largest)) else default
        return [(0, first), (1, default), (top + 1, _ENOSYS)]
    stubbed = stub and largest["x86_64"] > 0
    plain = _ENOSYS if stubbed else default
    segments: list[Segment] = [(0, default), (largest["x86_64"] + 1, plain)]
    if "x32" in largest:
        new = _ENOSYS if stub and largest["x32"] else default
        segments += [(X32_BIT, default), (max(largest["x32"], X32_BIT) + 1, new)]
        segments += [(2 * X32_BIT, plain), (3 * X32_BIT, new)]
    else:
        segments += [(X32_BIT, _FOREIGN), (2 * X32_BIT, _ENOSYS if stubbed else _FOREIGN)]
        segments += [(3 * X32_BIT, _FOREIGN), (_SKIPPED, default)]
    return segments


def _write_search(
    program: bpf.Program, profile: Profile, segments: list[Segment], group: list[Architecture]
) -> int:
    """A binary search for the range that the loaded number lies in."""
    if len(segments) == 1:
        return _write_outcome(program, profile, segments[0], group)
    if len(segments) == 3 and segments[0][1] == segments[2][1]:
        start, after = segments[1][0], segments[2][0]
        if after == start + 1:  # one number in a range of others
            inner = _write_outcome(program, profile, segments[1], group)
            outer = _write_outcome(program, profile, segments[0], group)
            return program.branch(bpf.JUMP_EQUAL, start, inner, outer)
    middle = len(segments) // 2
    upper = _write_search(program, profile, segments[middle:], group)
    lower = _write_search(program, profile, segments[:middle], group)
    return program.branch(bpf.JUMP_GREATER_OR_EQUAL, segments[middle][0], upper, lower)


def _write_outcome(
    program: bpf.Program, profile: Profile, segment: Segment, group: list[Architecture]
) -> int:
    start, outcome = segment
    if type(outcome) is int:
        return program.returning(outcome)
    architecture = group[0]
    if len(group) == 2 and start & X32_BIT:
        architecture = group[1]
    return write_rules(program, outcome, profile.default, architecture)  # type: ignore[arg-type]
