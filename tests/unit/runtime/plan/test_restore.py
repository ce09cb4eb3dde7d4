"""How CRIU is started to restore a container."""

from __future__ import annotations

from plan_configs import config, of, order
from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.request import Plan, Request
from rung.runtime.plan.restore import compile_restore

PATHS = {"cpu": "/c/cpu/box", "": "/c/unified/box"}


def restoring(document: dict, **more: object) -> Plan:
    request = Request("box", "/bundle", document, PATHS, **more)  # type: ignore[arg-type]
    return compile_restore(request, ("/usr/sbin/criu", "swrk", "3"), ("A=1",))


def test_criu_is_born_into_the_cgroups_in_a_mount_namespace_that_ends_with_it() -> None:
    made = restoring(config())
    (clone,) = of(steps.Clone, made)
    assert clone.flags == 0x00020000 and clone.cgroup_slot == steps.SLOT_CGROUP
    assert order(made, steps.JoinCgroup, steps.Clone, steps.SetPropagation, steps.BindRoot, steps.Exec) == [
        "JoinCgroup",
        "Clone",
        "SetPropagation",
        "BindRoot",
        "BindRoot",
        "Exec",
    ]
    assert of(steps.SetPropagation, made)[0].flags == mountopts.MS_SLAVE | mountopts.MS_REC
    assert made.steps[-1] == steps.Exec(("/usr/sbin/criu", "swrk", "3"), ("A=1",))


def test_mount_points_are_made_by_mounting_and_the_root_comes_back_bare() -> None:
    document = config()
    document["mounts"] += [
        {"destination": "/data", "type": "bind", "source": "/host/data", "options": ["rbind", "ro"]},
        {"destination": "/data/in/it", "type": "bind", "source": "/host/it", "options": ["bind"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/dev/log", "type": "bind", "source": "/dev/log", "options": ["bind"]},
    ]
    made = restoring(document)
    assert [step.path for step in of(steps.MakeDir, made)] == ["/proc", "/dev"]
    binds = of(steps.MountBind, made)
    assert [(step.dest, step.set) for step in binds] == [("/data", 0), ("/data/in/it", 0)]
    assert order(made, steps.BindRoot, steps.MakeDir, steps.MountBind, steps.DropRoot) == [
        "BindRoot",
        *["MakeDir"] * 2,
        *["MountBind"] * 2,
        "DropRoot",
        "BindRoot",
    ]


def test_the_root_is_read_only_where_it_was() -> None:
    document = config()
    assert [step.attrs for step in of(steps.BindRoot, restoring(document))] == [0, mountopts.RDONLY]
    document["root"]["readonly"] = False
    assert [step.attrs for step in of(steps.BindRoot, restoring(document))] == [0, 0]


def test_without_a_mount_namespace_there_is_nothing_to_prepare() -> None:
    made = restoring(config(namespaces=[{"type": "pid"}]))
    assert not of(steps.BindRoot, made)
    assert not of(steps.DropRoot, made)


def test_a_unit_of_systemds_begins_with_the_process_that_becomes_criu() -> None:
    made = restoring(config(), in_unit=True)
    assert order(made, steps.Sync, steps.JoinCgroup, steps.Clone)[0] == "Sync"
    assert not of(steps.Sync, restoring(config()))
