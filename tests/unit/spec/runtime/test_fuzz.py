"""Whatever is done to a document, it passes or is refused with a sentence; nothing else."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.spec.errors import SpecError
from rung.spec.runtime.schema import STRUCTS
from rung.spec.runtime.validate import validate
from rung.spec.runtime.warnings import warnings

WORDS = sorted({key for _, fields in STRUCTS.values() for key in fields})
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, -1, 1 << 31, 1 << 32, 1 << 63, 1 << 64]),
        st.floats(),
        st.text(),
        st.sampled_from(["", "\0", "\ud800", "/", "..", "pid", "SCMP_ACT_ALLOW", "CAP_KILL"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), inner, max_size=4),
    ),
    max_leaves=8,
)


def example(kind, depth=0):
    """A document with every field that a struct has."""
    if kind[0] == "[":
        return [example(kind[1:], depth)]
    if kind[0] == "{":
        return {"key": example(kind[1:], depth)}
    if kind[0] == "@":
        return ""
    if kind in STRUCTS:
        return {key: example(inner, depth + 1) for key, inner in STRUCTS[kind][1].items()}
    return {"text": "/", "bool": True}.get(kind, 1)


def places(value, path=()):
    """The path of every value in a document."""
    yield path
    items = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(document, path, value):
    document = copy.deepcopy(document)
    if not path:
        return value
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


FULL = example("Config")
FULL["ociVersion"] = "1.2.0"
FULL["linux"]["namespaces"] = [
    {"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "user", "time")
]
FULL["linux"]["seccomp"] |= {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86"],
    "flags": [],
}
FULL["linux"]["seccomp"]["syscalls"][0] |= {"action": "SCMP_ACT_ERRNO"}
FULL["linux"]["seccomp"]["syscalls"][0]["args"][0] |= {"op": "SCMP_CMP_EQ"}
FULL["linux"]["devices"][0]["type"] = "c"
FULL["linux"]["memoryPolicy"] = {"mode": "MPOL_DEFAULT", "nodes": "", "flags": []}
FULL["linux"]["personality"]["domain"] = "LINUX"
FULL["linux"]["sysctl"] = {"net.x": "1"}
FULL["linux"]["netDevices"] = {"eth0": {"name": "eth1"}}
FULL["linux"]["timeOffsets"] = {"monotonic": {"secs": 1, "nanosecs": 1}}
FULL["linux"]["intelRdt"]["memBwSchema"] = "MB:0=1"
FULL["linux"]["resources"]["devices"][0]["access"] = "rwm"
FULL["linux"]["resources"]["cpu"] |= {"cpus": "0", "mems": "0"}
FULL["linux"]["resources"]["hugepageLimits"][0]["pageSize"] = "2MB"
FULL["linux"]["resources"]["unified"] = {"memory.high": "max"}
for stage in FULL["hooks"].values():
    stage[0]["env"] = ["A=b"]
FULL["mounts"][0]["options"] = ["bind"]
FULL["process"]["env"] = ["A=b"]
FULL["process"]["rlimits"][0]["type"] = "RLIMIT_NOFILE"
FULL["process"]["scheduler"] = {"policy": "SCHED_DEADLINE", "flags": [], "runtime": 5000, "deadline": 5000}
FULL["process"]["ioPriority"]["class"] = "IOPRIO_CLASS_RT"
FULL["process"]["execCPUAffinity"] = {"initial": "0", "final": "0-1"}
PLACES = list(places(FULL))


def test_a_document_with_every_field_is_valid():
    assert validate(FULL) is FULL


def struct_places(kind, value, path=()):
    """The path of every object in a document whose fields the schema knows, and its struct."""
    if kind in STRUCTS:
        yield path, kind
        for key, inner in STRUCTS[kind][1].items():
            if key in value:
                yield from struct_places(inner, value[key], (*path, key))
    elif kind[0] in "[{":
        for key, inner in enumerate(value) if kind[0] == "[" else value.items():
            yield from struct_places(kind[1:], inner, (*path, key))


def test_every_required_field_missing_in_turn():
    tried = 0
    for path, struct in struct_places("Config", FULL):
        for key in STRUCTS[struct][0]:
            for value in (None, ...):
                document = copy.deepcopy(FULL)
                inner = document
                for step in path:
                    inner = inner[step]
                if value is None:
                    inner[key] = None
                else:
                    del inner[key]
                error = refusal(document)
                assert error is not None, (path, key)
                assert error.field.endswith(key)
                assert error.reason == "missing"
                tried += 1
    assert tried > 60


def refusal(document):
    try:
        validate(document)
    except SpecError as error:
        return error
    return None


def test_every_field_of_a_wrong_type_in_turn():
    for path in PLACES:
        for wrong in (1.5, [], {}, "word", True, -1, [[]]):
            error = refusal(replaced(FULL, path, wrong))
            if error is not None:
                assert str(error).startswith("config.json")
                assert "\n" not in str(error)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PLACES), json_values)
def test_anything_anywhere(path, value):
    document = replaced(FULL, path, value)
    before = repr(document)
    error = refusal(document)
    if error is None:
        config = validate(document)
        assert all(said.isprintable() for said in warnings(config))
        for place, struct in struct_places("Config", config):
            assert None not in [at(config, place).get(key, "") for key in STRUCTS[struct][1]]
    else:
        assert str(error).startswith("config.json")
        assert str(error).isprintable()  # can be written to a log
        str(error).encode()
    assert repr(document) == before


def at(value, path):
    for key in path:
        value = value[key]
    return value
