"""Zero and absent told apart: of every field of ``config.json``, what giving its zero changes.

Go's programs leave a zero out, or write one that means nothing: so for most fields the two are the same.
``DIFFERENT`` names those where they are not, and why; every other field of the specification is tried here,
and has neither another plan nor other writes to its cgroups.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from configurations import fields
from conformance.bundle import edit
from plan_configs import config, plan
from rung.errors import RungError
from rung.runtime.cgroup.controllers.devices import policy
from rung.runtime.cgroup.limits import late_settings, settings
from rung.runtime.seccomp.compile import compile_filter
from rung.spec.runtime.schema import STRUCTS
from rung.spec.runtime.validate import validate

#: Elements of lists and maps, which have fields of their own: where one stands, its struct, what it has at least.
ELEMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "hooks.poststop": ("Hook", {"path": "/bin/true"}),
    "linux.devices": ("Device", {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}),
    "linux.resources.devices": ("DeviceCgroup", {"allow": True, "access": "r"}),
    "linux.resources.blockIO.weightDevice": ("WeightDevice", {"major": 8, "minor": 0}),
    "linux.resources.blockIO.throttleReadBpsDevice": ("ThrottleDevice", {"major": 8, "minor": 0}),
    "linux.seccomp.syscalls": ("Syscall", {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}),
    "linux.namespaces": ("Namespace", {"type": "mount"}),
    "mounts": ("Mount", {"destination": "/x", "type": "tmpfs"}),
}
#: What a section must have for any of its fields to mean something.
SECTIONS: dict[str, dict[str, Any]] = {
    "linux.seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
    "process.scheduler": {"policy": "SCHED_OTHER"},
    "process.ioPriority": {"class": "IOPRIO_CLASS_BE"},
    "linux.memoryPolicy": {"mode": "MPOL_DEFAULT"},
    "linux.timeOffsets": {"boottime": {}},
}
#: Fields whose zero says something, and what. "refused": the field may be left out, but not be that.
DIFFERENT = {
    "process.user.umask": "other: the mask 0",
    "process.oomScoreAdj": "other: absent leaves the caller's",
    "process.consoleSize": "refused: a size has two numbers",
    "process.scheduler": "refused: a policy is needed",
    "process.ioPriority": "refused: a class is needed",
    "linux.memoryPolicy": "refused: a mode is needed",
    "linux.personality": "refused: a domain is needed",
    "hooks.poststop.0.timeout": 'refused: it "MUST be greater than zero"',
    "linux.devices.0.fileMode": "other: nobody may",
    "linux.resources.devices.0.major": "other: the number 0, not all",
    "linux.resources.devices.0.minor": "other: the number 0, not all",
    "linux.seccomp.defaultErrnoRet": "other: no error, where absent is EPERM",
    "linux.seccomp.syscalls.0.errnoRet": "other: no error, where absent is EPERM",
    "linux.seccomp.defaultAction": "refused: there is no default for it",
    "linux.resources.memory.swappiness": "other: never swap",
    "linux.resources.cpu.burst": "other: none",
    "linux.resources.cpu.idle": "other: not idle",
    "linux.resources.pids.limit": "other: since 1.3 no process at all, and -1 has no limit",
}
_V1 = ("cpu", "cpuacct", "cpuset", "memory", "devices", "pids", "blkio", "hugetlb", "net_cls", "net_prio", "rdma")
_ZERO = {"text": "", "bool": False}


def zero_of(kind: str) -> Any:
    if kind[0] == "[":
        return []
    if kind[0] in "{" or kind[0].isupper():
        return {}
    return _ZERO.get(kind, "" if kind[0] == "@" else 0)


def decided(document: dict[str, Any]) -> tuple[object, ...]:
    """All that is done for a configuration."""
    checked: Any = validate(document)
    linux = checked["linux"]
    resources = linux.get("resources") or {}
    writes = [
        [(write.file, write.value) for write in how(resources, tree)]
        for tree in (_V1, ("",))
        for how in (settings, late_settings)
    ]
    seccomp = compile_filter(linux["seccomp"], native="x86_64") if linux.get("seccomp") else b""
    return plan(checked).steps, policy(resources.get("devices") or []), seccomp, *writes


def fields_of_all() -> list[tuple[str, str]]:
    """``(path, kind)``; an element's is ``list.0.field``."""
    found = [(path, kind) for path, kind, _ in fields() if path != "process"]
    for at, (struct, _) in ELEMENTS.items():
        found += [(f"{at}.0.{name}", kind) for name, kind in STRUCTS[struct][1].items()]
    for at, least in SECTIONS.items():
        struct = next(kind for path, kind, _ in fields() if path == at)
        if struct in STRUCTS:
            found += [(f"{at}.{name}", kind) for name, kind in STRUCTS[struct][1].items() if name not in least]
    found += [("linux.timeOffsets.boottime.secs", "i64"), ("linux.timeOffsets.boottime.nanosecs", "u32")]
    return sorted(set(found))


def around(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration without the field, and what of it the field belongs to."""
    document: dict[str, Any] = copy.deepcopy(config(resources={}))
    for at, least in SECTIONS.items():
        if path.startswith(f"{at}."):
            edit(document, at, copy.deepcopy(least))
            if at == "linux.timeOffsets":
                document["linux"]["namespaces"].append({"type": "time"})
    for at, (_, least) in ELEMENTS.items():
        if path.startswith(f"{at}.0."):
            if at == "linux.seccomp.syscalls":
                edit(document, "linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW"})
            edit(document, at, [dict(least)])
            owner: Any = document
            for name in at.split("."):
                owner = owner[name]
            return document, owner[0]
    *parents, last = path.split(".")
    owner = document
    for name in parents:
        owner = owner.setdefault(name, {})
    owner.pop(last, None)
    return document, owner


def differs(path: str, kind: str) -> str:
    document, owner = around(path)
    name = path.rpartition(".")[2]
    owner.pop(name, None)
    try:
        absent = decided(document)
    except RungError:
        return "needed"
    owner[name] = zero_of(kind)
    try:
        return "" if decided(document) == absent else "other"
    except RungError:
        return "refused"


@pytest.mark.parametrize(("path", "kind"), fields_of_all())
def test_a_zero_is_what_absence_is(path: str, kind: str) -> None:
    found = differs(path, kind)
    if found != "needed":  # that has no absence to compare with
        assert found == DIFFERENT.get(path, "").partition(":")[0]


def test_the_table_names_fields() -> None:
    assert set(DIFFERENT) <= {path for path, _ in fields_of_all()}
