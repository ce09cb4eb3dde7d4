"""Which user namespaces are made for mapped mounts, and who gets which."""

from __future__ import annotations

from typing import Any

import pytest

from plan_configs import config, of, order, plan
from rung.runtime.errors import RuntimeFailure
from rung.runtime.plan import steps
from rung.runtime.plan.request import Caller
from rung.spec.errors import SpecError


def ids(*ranges: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"containerID": a, "hostID": b, "size": n} for a, b, n in ranges]


def mapped(*mounts: dict[str, Any], users: bool = False, path: str = "") -> dict[str, Any]:
    document = config()
    document["mounts"] += mounts
    if users or path:
        document["linux"]["namespaces"].append({"type": "user", "path": path})
    if users:
        document["linux"].update(uidMappings=ids((0, 1000, 10)), gidMappings=ids((0, 2000, 10)))
    return document


def bind(*options: str, uids: Any = None, gids: Any = None, **more: Any) -> dict[str, Any]:
    mount = {"destination": "/m", "source": "/srv", "options": ["bind", *options], **more}
    return mount | ({"uidMappings": ids(uids), "gidMappings": ids(gids or uids)} if uids else {})


def test_each_distinct_mapping_is_one_user_namespace() -> None:
    made = plan(mapped(bind(uids=(0, 5, 1)), bind(uids=(0, 6, 1)), bind(uids=(0, 5, 1))))
    one, other = of(steps.MakeUserns, made)
    assert (one.uid_map, other.uid_map) == ("0 5 1\n", "0 6 1\n")
    assert [step.idmap for step in of(steps.MountBind, made)] == [one.slot, other.slot, one.slot]
    kinds = (steps.MakeUserns, steps.StartBroker, steps.Clone, steps.MountBind)
    assert order(made, *kinds) == ["MakeUserns", "MakeUserns", "Clone", "MountBind", "MountBind", "MountBind"]


def test_no_mapped_mount_makes_none() -> None:
    made = plan(mapped(bind("ro"), users=True))
    assert not of(steps.MakeUserns, made)
    assert [step.idmap for step in of(steps.MountBind, made)] == [steps.SLOT_NONE]


def test_without_its_own_it_is_the_containers() -> None:
    made = plan(mapped(bind("ridmap"), users=True))
    (users,) = of(steps.MakeUserns, made)
    (mount,) = of(steps.MountBind, made)
    assert (users.uid_map, users.gid_map) == ("0 1000 10\n", "0 2000 10\n")
    assert mount.idmap == users.slot
    assert mount.flags & steps.BIND_MAP_ALL


def test_a_joined_user_namespace_is_taken_itself() -> None:
    made = plan(mapped(bind("idmap"), path="/u"))
    assert not of(steps.MakeUserns, made)
    (opened,) = [step for step in of(steps.OpenFile, made) if step.path == "/u"]
    assert of(steps.MountBind, made)[0].idmap == opened.slot


def test_the_option_s_own_mapping_counts_as_the_container_where_it_says_so() -> None:
    made = plan(mapped(bind("idmap=uids=0-1-2#@3-4-5;gids=0-0-1"), users=True))
    (users,) = of(steps.MakeUserns, made)
    assert (users.uid_map, users.gid_map) == ("0 1 2\n3 1004 5\n", "0 0 1\n")


def test_another_file_system_is_made_outside_and_bound() -> None:
    mount = {"destination": "/m", "type": "tmpfs", "options": ["idmap", "size=1k", "ro"]}
    made = plan(mapped(mount | {"uidMappings": ids((0, 1, 1)), "gidMappings": ids((0, 1, 1))}))
    (made_fs,) = of(steps.MakeFs, made)
    assert (made_fs.fstype, made_fs.options, made_fs.attrs) == ("tmpfs", ("size=1k",), 1)
    assert of(steps.MountBind, made)[0].slot == made_fs.slot
    assert made_fs.idmap == of(steps.MakeUserns, made)[0].slot


def test_only_root_may() -> None:
    with pytest.raises(RuntimeFailure, match=r"mounts\[2\]: only root may"):
        plan(mapped(bind(uids=(0, 1, 1))), caller=Caller(uid=1000))


def test_copying_up_needs_a_file_system_of_the_containers_own() -> None:
    mount = {"destination": "/m", "type": "tmpfs", "options": ["idmap=uids=0-1-1;gids=0-1-1", "tmpcopyup"]}
    with pytest.raises(SpecError, match="tmpcopyup"):
        plan(mapped(mount))


def test_more_mappings_than_there_are_slots() -> None:
    with pytest.raises(RuntimeFailure, match="too many"):
        plan(mapped(*[bind(uids=(0, n, 1)) for n in range(300)]))
