"""Device rules: v1's exceptions and v2's program against one plain reading of the rules.

The reading: of the rules that speak of a device and an access the last one decides, and
what no rule speaks of is denied.
"""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.runtime.cgroup.controllers.devices import (
    DEFAULT_DEVICE_RULES,
    UNTOUCHED,
    Policy,
    current,
    policy,
    transition,
)
from rung.runtime.cgroup.device_filter import ACCESSES, TYPES, device_program
from rung.runtime.cgroup.errors import CgroupError

DENY_ALL = {"allow": False, "access": "rwm"}
ALLOW_ALL = {"allow": True, "access": "rwm"}


def allowed(rules, kind, major, minor, letter):
    """The plain reading, for one access."""
    answer = False
    for rule in rules:
        if (
            rule.get("type", "a") in ("a", kind)
            and rule.get("major", -1) in (-1, major)
            and rule.get("minor", -1) in (-1, minor)
            and letter in rule["access"]
        ):
            answer = rule["allow"]
    return answer


def ruling(rules, kind, major, minor, access):
    return all(allowed(rules, kind, major, minor, letter) for letter in access)


class Machine:
    """An interpreter of the eBPF that device programs use."""

    def __init__(self, program):
        self.code = list(struct.iter_unpack("=BBhi", program))
        self._check()

    def _check(self):
        """What the kernel's verifier insists on: no jump out, no way back, no dead code."""
        reached, waiting = set(), {0}
        while waiting:
            at = waiting.pop()
            reached.add(at)
            code, _, offset, _ = self.code[at]
            following = set() if code == 0x95 else {at + 1}
            if code in (0x15, 0x55, 0x45):
                assert offset >= 0
                following.add(at + 1 + offset)
            waiting |= following - reached
        assert reached == set(range(len(self.code)))

    def run(self, kind, major, minor, access):
        bits = sum(ACCESSES[letter] for letter in access)
        context = struct.pack("=III", bits << 16 | TYPES[kind], major, minor)
        register = {1: context}
        at = steps = 0
        while True:
            steps += 1
            assert steps <= len(self.code), "the program goes backwards"
            code, registers, offset, value = self.code[at]
            dst, src = registers & 15, registers >> 4
            at += 1
            if code == 0x61:
                (register[dst],) = struct.unpack_from("=I", register[src], offset)
            elif code == 0xB7:
                register[dst] = value
            elif code == 0x57:
                register[dst] &= value
            elif code == 0x77:
                register[dst] >>= value
            elif code in (0x15, 0x55, 0x45):
                held = register[dst]
                taken = {0x15: held == value, 0x55: held != value, 0x45: bool(held & value)}[code]
                at += offset if taken else 0
            elif code == 0x95:
                return register[0]
            else:
                raise AssertionError(f"operation {code:#x}")


class V1Kernel:
    """The kernel's devices controller: a default and exceptions."""

    def __init__(self, allow=True, exceptions=()):
        self.allow = allow
        self.exceptions = dict(exceptions)

    def take(self, file, text):
        grant = file == "devices.allow"
        kind, numbers, access = text.split()
        if kind == "a":
            self.allow, self.exceptions = grant, {}
            return
        device = (kind, *(-1 if n == "*" else int(n) for n in numbers.split(":")))
        old = self.exceptions.get(device, "")
        if grant != self.allow:
            self.exceptions[device] = "".join(sorted({*old, *access}))
        else:  # only exactly this exception is found
            self.exceptions[device] = "".join(sorted({*old} - {*access}))
            if not self.exceptions[device]:
                del self.exceptions[device]

    def check(self, kind, major, minor, access):
        matching = [
            letters
            for (k, ma, mi), letters in self.exceptions.items()
            if k == kind and ma in (-1, major) and mi in (-1, minor)
        ]
        if self.allow:
            return not any(set(letters) & set(access) for letters in matching)
        return any(set(access) <= set(letters) for letters in matching)


ACCESS = st.sets(st.sampled_from("rwm"), min_size=1).map(lambda s: "".join(sorted(s)))
NUMBER = st.integers(0, 2)


@st.composite
def rule(draw):
    found = {"allow": draw(st.booleans()), "access": draw(ACCESS)}
    if (kind := draw(st.sampled_from(["a", "b", "c", None]))) is not None:
        found["type"] = kind
    for name in ("major", "minor"):
        if (number := draw(st.sampled_from([None, -1, 0, 1, 2]))) is not None:
            found[name] = number
    return found


RULES = st.lists(rule(), max_size=8)


@settings(max_examples=500)
@given(RULES, st.sampled_from("bc"), NUMBER, NUMBER, ACCESS)
def test_the_program_rules_as_the_rules_read(rules, kind, major, minor, access):
    answer = Machine(device_program(rules)).run(kind, major, minor, access)
    assert bool(answer) == ruling(rules, kind, major, minor, access)


@settings(max_examples=500)
@given(RULES, st.sampled_from("bc"), NUMBER, NUMBER, st.sampled_from("rwm"))
def test_v1_rules_as_the_rules_read_or_refuses(rules, kind, major, minor, letter):
    try:
        writes = transition(UNTOUCHED, policy(rules))
    except CgroupError:
        return
    kernel = V1Kernel()
    for write in writes:
        kernel.take(write.file, write.value)
    assert kernel.check(kind, major, minor, letter) == allowed(rules, kind, major, minor, letter)


@given(RULES, RULES)
def test_any_policy_can_follow_any_other(before, after):
    try:
        old, new = policy(before), policy(after)
    except CgroupError:
        return
    kernel = V1Kernel(old.allow, old.exceptions)
    if old.allow:
        old = UNTOUCHED  # its exceptions are not listed
    for write in transition(old, new):
        kernel.take(write.file, write.value)
    assert kernel.allow == new.allow
    assert {d: set(a) for d, a in kernel.exceptions.items()} == {d: set(a) for d, a in new.exceptions.items()}


def test_between_lists_of_allowed_devices_only_the_difference_is_written():
    old = policy([DENY_ALL, *DEFAULT_DEVICE_RULES])
    new = policy([DENY_ALL, *DEFAULT_DEVICE_RULES, {"allow": True, "type": "b", "major": 8, "access": "r"}])
    assert [(w.file, w.value) for w in transition(old, new)] == [("devices.allow", "b 8:* r")]
    assert [(w.file, w.value) for w in transition(new, old)] == [("devices.deny", "b 8:* r")]
    assert transition(new, new) == []


def test_the_default_specification_on_v1():
    writes = transition(UNTOUCHED, policy([DENY_ALL, *DEFAULT_DEVICE_RULES]))
    assert (writes[0].file, writes[0].value) == ("devices.deny", "a *:* rwm")
    assert {w.file for w in writes[1:]} == {"devices.allow"}
    assert {w.value for w in writes[1:]} == {
        "c *:* m",
        "b *:* m",
        "c 1:3 rwm",
        "c 1:5 rwm",
        "c 1:7 rwm",
        "c 1:8 rwm",
        "c 1:9 rwm",
        "c 5:0 rwm",
        "c 5:2 rwm",
        "c 10:200 rwm",
        "c 136:* rwm",
    }


def test_a_privileged_container_on_v1():
    writes = transition(UNTOUCHED, policy([ALLOW_ALL, *DEFAULT_DEVICE_RULES]))
    assert [(w.file, w.value) for w in writes] == [("devices.allow", "a *:* rwm")]


def test_a_hole_in_a_wildcard_is_refused_on_v1_and_made_on_v2():
    rules = [
        DENY_ALL,
        {"allow": True, "type": "c", "major": 1, "access": "rw"},
        {"allow": False, "type": "c", "major": 1, "minor": 3, "access": "w"},
    ]
    with pytest.raises(CgroupError, match=r"c 1:3 w.*cannot take it out.*c 1:\* rw"):
        policy(rules)
    machine = Machine(device_program(rules))
    assert machine.run("c", 1, 3, "r") == 1
    assert machine.run("c", 1, 3, "rw") == 0
    assert machine.run("c", 1, 5, "rw") == 1


def test_reading_devices_list():
    listing = "c *:* m\nb 8:0 rw\nc 136:* rwm\n"
    assert current(listing) == Policy(False, {("c", -1, -1): "m", ("b", 8, 0): "rw", ("c", 136, -1): "rwm"})
    assert current("a *:* rwm\n") == UNTOUCHED
    assert current("") == Policy(False, {})


@pytest.mark.parametrize(
    "bad",
    [
        {"allow": True, "type": "c", "major": 1, "minor": 3},
        {"allow": True, "access": ""},
        {"allow": True, "access": "x"},
        {"allow": True, "type": "p", "access": "r"},
    ],
)
def test_rules_that_say_nothing_are_refused(bad):
    with pytest.raises(CgroupError, match=r"linux\.resources\.devices"):
        policy([bad])
    with pytest.raises(CgroupError, match=r"linux\.resources\.devices"):
        device_program([bad])


def test_rules_before_one_for_everything_cost_nothing():
    many = [{"allow": True, "type": "c", "major": n, "access": "r"} for n in range(100)]
    assert device_program([*many, DENY_ALL]) == device_program([])


def test_more_rules_than_a_program_holds():
    rules = [{"allow": True, "type": "c", "major": n, "minor": 1, "access": "r"} for n in range(7000)]
    with pytest.raises(CgroupError, match="more rules than one program can hold"):
        device_program(rules)


def test_a_long_program_still_jumps_to_its_ends():
    rules = [{"allow": True, "type": "c", "major": n, "minor": 1, "access": "r"} for n in range(5000)]
    machine = Machine(device_program(rules))
    assert machine.run("c", 4999, 1, "r") == 1
    assert machine.run("c", 0, 1, "r") == 1
    assert machine.run("c", 0, 1, "w") == 0
