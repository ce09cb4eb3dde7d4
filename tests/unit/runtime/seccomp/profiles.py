"""Random seccomp profiles, the calls worth asking about, and what a profile means.

``meaning`` evaluates a profile directly on a call's arguments: the second, independent
opinion beside libseccomp, which gives wrong programs for some profiles (2.6.0: several
rules on one call's arguments share halves of comparisons; where a profile names calls that
an architecture lacks, the number may be compared without having been loaded).
"""

from __future__ import annotations

from hypothesis import strategies as st

import libseccomp
from rung.runtime.seccomp.architecture import ARCHITECTURES, IPC_CALLS, MACHINES, SOCKETCALLS
from rung.runtime.seccomp.numbers import numbers_of

NAMES = (
    "read write open openat close clone clone3 personality socket socketcall bind accept accept4 ipc semop"
    " semtimedop shmat msgget ioctl fcntl fcntl64 mmap mmap2 execve exit_group futex futex_time64 waitpid"
    " arch_prctl set_tls cacheflush restart_syscall mseal io_uring_setup ptrace kexec_load nosuchcall time"
    " setup riscv_hwprobe modify_ldt sync_file_range sync_file_range2 s390_runtime_instr"
).split()
VALUES = (0, 1, 2, 38, 40, 0x7FFFFFFF, 0xFFFFFFFF, 0x1_0000_0000, 0x7E020000, 0xFFFFFFFF_FFFFFF9C, 1 << 63)
WIDE = 0xFFFFFFFFFFFFFFFF

values = st.one_of(st.sampled_from(VALUES), st.integers(0, WIDE))
actions = st.one_of(
    st.sampled_from(
        ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRAP", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS"]
    ).map(lambda action: {"action": action}),
    st.sampled_from([{"action": "SCMP_ACT_ERRNO"}, {"action": "SCMP_ACT_ERRNO", "errnoRet": 38}]),
    st.just({"action": "SCMP_ACT_TRACE", "errnoRet": 7}),
)
args = st.fixed_dictionaries(
    {
        "index": st.integers(0, 5),
        "op": st.sampled_from(sorted(libseccomp.OPERATORS)),
        "value": values,
        "valueTwo": values,
    }
)


@st.composite
def profiles(draw, native, *, plain=False):
    """A profile. ``plain``: conditions occur once for a call, and every call is one of its own
    on all architectures of the profile: what libseccomp compiles without fault."""
    own = MACHINES[native]
    default = draw(actions)
    profile = {"defaultAction": default["action"], "architectures": [own], "syscalls": []}
    if "errnoRet" in default:
        profile["defaultErrnoRet"] = default["errnoRet"]
    profile["architectures"] += draw(
        st.lists(st.sampled_from(sorted(ARCHITECTURES)), unique=True, max_size=3)
    )
    known = everywhere(libseccomp.architectures(profile, native)) if plain else NAMES
    names = st.lists(st.sampled_from(known), min_size=1, max_size=5)
    used = set()
    for _ in range(draw(st.integers(0, 10))):
        rule = {"names": draw(names), **draw(actions)}
        if draw(st.booleans()):
            rule["args"] = draw(st.lists(args, min_size=1, max_size=4))
            if plain:
                rule["args"] = list({arg["index"]: arg for arg in rule["args"]}.values())
                rule["names"] = [n for n in dict.fromkeys(rule["names"]) if n not in used]
                used |= {*rule["names"]}
        profile["syscalls"].append(rule)
    return profile


def everywhere(architectures):
    """The names that mean one call of its own on each of these architectures."""
    tables = [numbers_of(ARCHITECTURES[name].numbers) for name in architectures]
    return [n for n in NAMES if way(n) == n and all(n in table for table in tables)]


def way(name):
    """What a call can be mixed up with: the calls of one multiplexer share its rules."""
    if name in SOCKETCALLS or name == "socketcall":
        return "socketcall"
    return "ipc" if name in IPC_CALLS or name == "ipc" else name


def holds(arg, value, bits):
    """Whether a condition is true of an argument."""
    kept = (1 << bits) - 1
    value &= kept
    first, second = arg["value"] & kept, arg.get("valueTwo", 0) & kept
    return {
        "SCMP_CMP_NE": value != first,
        "SCMP_CMP_LT": value < first,
        "SCMP_CMP_LE": value <= first,
        "SCMP_CMP_EQ": value == first,
        "SCMP_CMP_GE": value >= first,
        "SCMP_CMP_GT": value > first,
        "SCMP_CMP_MASKED_EQ": value & first == second & first,
    }[arg["op"]]


def meaning(profile, native, token, number, arguments):
    """What the profile returns for a call, by the rules of rules.py, read off the profile."""
    default = libseccomp.value_of(profile["defaultAction"], profile.get("defaultErrnoRet"))
    number &= 0xFFFFFFFF
    if libseccomp.stub(profile, native, token, number):
        return libseccomp.ENOSYS
    listed = [ARCHITECTURES[name] for name in libseccomp.architectures(profile, native)]
    mine = [a for a in listed if a.token == token]
    if len(mine) == 2:
        mine = [a for a in mine if (a.numbers == "x32") == bool(number & 0x40000000)]
    has_x32 = any(a.numbers == "x32" for a in listed)
    if not mine or (mine[0].numbers == "x86_64" and 0x40000000 <= number < 0xFFFFFFFF and not has_x32):
        return libseccomp.value_of("SCMP_ACT_KILL", None)
    architecture = mine[0]
    table = numbers_of(architecture.numbers)
    bits = 64 if architecture.wide else 32
    matched = []
    for rule in profile["syscalls"]:
        value = libseccomp.value_of(rule["action"], rule.get("errnoRet"))
        if value == default:
            continue
        for name in rule["names"]:
            for conditions in reached(architecture, table, name, number, rule.get("args", [])):
                rest = [arg for arg in conditions if not is_always(arg, bits)]
                true = all(holds(arg, arguments[arg["index"]], bits) for arg in rest)
                matched.append((not rest, true, value))
    for unconditional in (True, False):
        for is_plain, is_true, value in matched:
            if is_plain == unconditional and is_true:
                return value
    return default


def is_always(arg, bits):
    return arg["op"] == "SCMP_CMP_MASKED_EQ" and arg["value"] & ((1 << bits) - 1) == 0


def reached(architecture, table, name, number, args):
    """The alternatives under which ``number`` is the call ``name``: each a list of conditions."""
    indexes = [arg["index"] for arg in args]
    alternatives = [[arg] for arg in args] if len(set(indexes)) < len(indexes) else [args]
    if table.get(name) == number:
        yield from alternatives
    for through, calls in (("socketcall", SOCKETCALLS), ("ipc", IPC_CALLS)):
        if architecture.multiplexed and name in calls and table.get(through) == number:
            # The multiplexer's first argument says which call is meant.
            first = {"index": 0, "op": "SCMP_CMP_EQ", "value": calls[name]}
            for alternative in alternatives:
                yield [first, *(arg for arg in alternative if arg["index"])]


def probes(profile, native, sample):
    """Calls worth asking about: on every boundary of numbers and of arguments."""
    numbers = {
        0,
        -1,
        -2,
        0x40000000,
        0x40000001,
        0x7FFFFFFF,
        0x80000000,
        0xBFFFFFFF,
        0xC0000000,
        470,
        102,
        117,
    }
    asked = set()
    for name in libseccomp.architectures(profile, native):
        table = numbers_of(ARCHITECTURES[name].numbers)
        for rule in profile["syscalls"]:
            for one in rule["names"]:
                for call in (one, way(one)):
                    if call in table:
                        numbers |= {table[call] - 1, table[call] + 1}
                        asked.add(table[call])
    data = {0, WIDE, 1, 11}
    for rule in profile["syscalls"]:
        for arg in rule.get("args", ()):
            for value in (arg["value"], arg["valueTwo"], arg["value"] & arg["valueTwo"]):
                data |= {value, value + 1, value - 1, value & 0xFFFFFFFF, value ^ (1 << 40)}
    data = sorted({value & WIDE for value in data})
    tokens = {ARCHITECTURES[name].token for name in ARCHITECTURES}
    for token in tokens:
        for number in sorted(numbers | asked):
            yield token, number, (0,) * 6
    for name in libseccomp.architectures(profile, native):
        for number in sorted(asked):
            for _ in range(12):
                yield ARCHITECTURES[name].token, number, tuple(sample(data) for _ in range(6))
