"""What is decided for a configuration, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from plan_configs import config, of, order, plan
from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.compile import compile_exec
from rung.runtime.plan.request import Caller, ExecRequest

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWTIME = 0x10000000, 0x40000000, 0x80


def test_every_new_namespace_but_the_cgroups_comes_from_one_clone() -> None:
    (clone,) = of(steps.Clone, plan(config()))
    assert clone.flags == 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x00020000


def test_v1_cgroups_are_joined_alone_before_birth_and_v2_by_it() -> None:
    paths = {"cpu": "/c/cpu/box", "cpuacct": "/c/cpu/box", "pids": "/c/pids/box", "": "/c/unified/box"}
    made = plan(config(), cgroup_paths=paths)
    assert [step.file for step in of(steps.JoinCgroup, made)] == ["/c/cpu/box/tasks", "/c/pids/box/tasks"]
    assert [step.path for step in of(steps.OpenFile, made)] == ["/c/unified/box"]
    assert of(steps.Clone, made)[0].cgroup_slot == of(steps.OpenFile, made)[0].slot
    assert order(made, steps.JoinCgroup, steps.OpenFile, steps.Clone, steps.Unshare) == [
        *["JoinCgroup"] * 2,
        "OpenFile",
        "Clone",
        "Unshare",
    ]


def test_a_cgroup_namespace_is_entered_after_birth_where_no_user_namespace_forbids_it() -> None:
    document = config()
    document["linux"]["namespaces"] = [{"type": "mount"}, {"type": "cgroup", "path": "/c"}]
    assert order(plan(document), steps.SetNamespace, steps.Clone) == ["Clone", "SetNamespace"]
    document["linux"]["namespaces"].append({"type": "user", "path": "/u"})
    assert order(plan(document), steps.SetNamespace, steps.Clone) == ["SetNamespace"] * 2 + ["Clone"]


def test_namespaces_to_join_are_opened_before_any_is_entered_and_user_comes_last() -> None:
    document = config()
    document["linux"]["namespaces"] = [
        {"type": "user", "path": "/u"},
        {"type": "mount", "path": "/m"},
        {"type": "network", "path": "/n"},
    ]
    made = plan(document)
    assert order(made, steps.OpenFile, steps.SetNamespace) == ["OpenFile"] * 3 + ["SetNamespace"] * 3
    assert of(steps.SetNamespace, made)[-1].flags == CLONE_NEWUSER
    assert of(steps.BecomeRoot, made)


def test_a_new_time_namespace_is_entered_by_birth_with_its_offsets_written_before() -> None:
    document = config(timeOffsets={"boottime": {"secs": 100, "nanosecs": 5}})
    document["linux"]["namespaces"] = [{"type": "mount"}, {"type": "time"}]
    made = plan(document)
    assert order(made, steps.Unshare, steps.WriteFile, steps.Clone) == ["Unshare", "WriteFile", "Clone"]
    assert of(steps.WriteFile, made)[0].data == b"boottime 100 5\n"
    assert not of(steps.Clone, made)[0].flags & CLONE_NEWTIME


def test_in_a_user_namespace_binds_have_a_helper_that_joins_no_cgroup() -> None:
    document = config(
        uidMappings=[{"containerID": 0, "hostID": 1000, "size": 10}],
        gidMappings=[{"containerID": 0, "hostID": 2000, "size": 10}],
    )
    document["linux"]["namespaces"].append({"type": "user"})
    document["mounts"].append({"destination": "/data", "source": "/srv", "options": ["rbind"]})
    made = plan(document, cgroup_paths={"pids": "/c/pids/box"})
    (clone,) = of(steps.Clone, made)
    assert (clone.uid_map, clone.gid_map) == (b"0 1000 10\n", b"0 2000 10\n")
    found = order(made, steps.StartBroker, steps.JoinCgroup, steps.Clone, steps.MountBind)
    assert found == ["StartBroker", "JoinCgroup", "Clone", "MountBind"]
    document["linux"]["namespaces"][-1]["path"] = "/u"
    kinds = (steps.OpenFile, steps.StartBroker, steps.SetNamespace, steps.Clone)
    assert order(plan(document), *kinds) == [kind.__name__ for kind in kinds]
    document["mounts"].pop()
    assert not of(steps.StartBroker, plan(document))


def test_a_user_namespace_that_is_joined_keeps_its_maps() -> None:
    document = config(uidMappings=[{"containerID": 0, "hostID": 1000, "size": 10}])
    document["linux"]["namespaces"] = [{"type": "mount"}, {"type": "user", "path": "/u"}]
    (clone,) = of(steps.Clone, plan(document))
    assert clone.uid_map == b""


def test_without_a_mount_namespace_nothing_is_mounted_and_the_root_is_changed_by_chroot() -> None:
    document = config()
    document["linux"]["namespaces"] = [{"type": "pid"}]
    made = plan(document)
    assert [s.how for s in of(steps.PivotRoot, made)] == [2]
    assert [s.path for s in of(steps.OpenFile, made)] == ["/bundle/rootfs"]
    assert not of(steps.MountFs, made)


def test_the_root_is_sealed_after_everything_in_it_is_made() -> None:
    made = plan(config())
    kinds = (steps.MountFs, steps.MakeNode, steps.PivotRoot, steps.MakeDir, steps.SetMountAttr, steps.ReadonlyPath)
    found = order(made, *kinds)
    assert found[-2:] == ["SetMountAttr", "ReadonlyPath"]
    assert found.index("PivotRoot") > max(i for i, name in enumerate(found) if name in ("MountFs", "MakeNode"))


def test_a_read_only_dev_is_sealed_late() -> None:
    document = config()
    document["mounts"][1]["options"].append("ro")
    made = plan(document)
    dev = next(step for step in of(steps.MountFs, made) if step.dest == "/dev")
    assert not dev.attrs & mountopts.RDONLY
    assert steps.SetMountAttr("/dev", mountopts.RDONLY, 0, 0, 0) in made.steps


def test_a_dev_bound_from_the_host_is_left_as_it_is() -> None:
    document = config()
    document["mounts"][1] = {"destination": "/dev/", "type": "bind", "source": "/dev", "options": ["rbind"]}
    made = plan(document)
    assert not of(steps.MakeNode, made)
    assert not of(steps.MakeSymlink, made)


def test_a_device_asked_for_replaces_the_default_of_its_path() -> None:
    document = config(devices=[{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600}])
    nodes = [step for step in of(steps.MakeNode, plan(document)) if step.path == "/dev/null"]
    assert [node.mode & 0o777 for node in nodes] == [0o600]


def test_a_filter_that_needs_privilege_comes_after_every_path_is_resolved() -> None:
    document = config()
    document["process"]["noNewPrivileges"] = False
    found = order(plan(document, seccomp_program=b"12345678"), steps.SetHome, steps.Chdir, steps.LoadSeccomp)
    assert found == ["Chdir", "SetHome", "LoadSeccomp"]


@pytest.mark.parametrize(("uid", "expected"), [(0, [steps.CHDIR]), (5, [steps.CHDIR_TRY, steps.CHDIR_LEFT])])
def test_a_working_directory_that_refuses_root_is_left_to_the_user(uid: int, expected: list[int]) -> None:
    document = config()
    document["process"]["user"]["uid"] = uid
    made = plan(document)
    assert [step.how for step in of(steps.Chdir, made)] == expected
    assert order(made, steps.SetUser, steps.Chdir)[-2:] == (["SetUser", "Chdir"] if uid else ["Chdir", "SetUser"])


@pytest.mark.parametrize("private", [True, False])
def test_the_filter_is_loaded_as_late_as_it_may_be(private: bool) -> None:
    document = config()
    document["process"]["noNewPrivileges"] = private
    made = plan(document, seccomp_program=b"12345678")
    found = order(made, steps.LoadSeccomp, steps.SetCapabilities, steps.WaitStart, steps.Exec)
    late = ["SetCapabilities", "WaitStart", "LoadSeccomp", "Exec"]
    assert found == (late if private else ["LoadSeccomp", "SetCapabilities", "WaitStart", "Exec"])


def test_a_filter_with_a_listener_is_loaded_while_the_runtime_listens() -> None:
    document = config()
    made = plan(document, seccomp_program=b"12345678", seccomp_flags=steps.NEW_LISTENER)
    assert order(made, steps.LoadSeccomp, steps.WaitStart) == ["LoadSeccomp", "WaitStart"]
    request = ExecRequest("box", document, document["process"], seccomp_program=b"12345678")  # type: ignore[arg-type]
    assert order(compile_exec(request), steps.LoadSeccomp, steps.Ready) == ["Ready", "LoadSeccomp"]
    request = request.replace(seccomp_flags=steps.NEW_LISTENER)
    assert order(compile_exec(request), steps.LoadSeccomp, steps.Ready) == ["LoadSeccomp", "Ready"]


def test_start_container_hooks_run_under_the_filter() -> None:
    document = config()
    document["hooks"] = {"startContainer": [{"path": "/bin/true"}]}
    made = plan(document, seccomp_program=b"12345678")
    assert order(made, steps.LoadSeccomp, steps.WaitStart, steps.RunHook) == ["WaitStart", "LoadSeccomp", "RunHook"]


def test_privileges_go_from_the_bounding_set_inwards_before_the_program_is_looked_up() -> None:
    kinds = (steps.KeepBounding, steps.SetUser, steps.SetCapabilities, steps.FindExecutable, steps.WaitStart)
    assert order(plan(config()), *kinds) == [kind.__name__ for kind in kinds]


def test_absent_capabilities_are_none_at_all() -> None:
    document = config()
    del document["process"]["capabilities"]
    made = plan(document)
    assert of(steps.KeepBounding, made)[0].keep == 0
    assert of(steps.SetCapabilities, made)[0] == steps.SetCapabilities(0, 0, 0, 0)


def test_of_duplicate_variables_the_last_counts_and_home_is_looked_up_only_when_missing() -> None:
    document = config()
    assert of(steps.Exec, plan(document))[0].env == ("PATH=/bin", "A=2")
    assert of(steps.SetHome, plan(document))
    document["process"]["env"].append("HOME=/x")
    assert not of(steps.SetHome, plan(document))
    document["process"]["env"].append("HOME=")
    assert of(steps.SetHome, plan(document))
    assert not any(entry.startswith("HOME") for entry in of(steps.Exec, plan(document))[0].env)


def test_hooks_run_where_the_specification_puts_them() -> None:
    document = config()
    stages = ("createRuntime", "createContainer", "startContainer", "poststart")
    document["hooks"] = {stage: [{"path": f"/{stage}"}] for stage in stages}
    made = plan(document)
    assert order(made, steps.Sync, steps.RunHook, steps.PivotRoot, steps.WaitStart) == [
        "Sync",
        "RunHook",
        "PivotRoot",
        "WaitStart",
        "RunHook",
    ]
    container = of(steps.RunHook, made)[0]
    assert container.state_head.endswith(b'"pid": ')
    assert container.state_tail.startswith(b', "bundle": "/bundle"')


@pytest.mark.parametrize("namespaced", [True, False])
def test_v1_cgroups_are_a_tmpfs_of_hierarchies(namespaced: bool) -> None:
    document = config()
    if not namespaced:
        document["linux"]["namespaces"] = [{"type": "mount"}, {"type": "pid"}]
    document["mounts"] = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["nosuid", "ro"]}]
    paths = {
        "cpu": "/c/cpu,cpuacct/box",
        "cpuacct": "/c/cpu,cpuacct/box",
        "name=systemd": "/c/systemd/box",
        "": "/c/unified/box",
    }
    made = plan(document, cgroup_paths=paths)
    inside = {step.dest for step in (*of(steps.MountFs, made), *of(steps.MountBind, made))}
    assert inside == {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/systemd"}
    links = {step.path for step in of(steps.MakeSymlink, made) if "cgroup" in step.path}
    assert links == {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpuacct"}
    assert steps.SetMountAttr("/sys/fs/cgroup", mountopts.RDONLY, 0, 0, 0) in made.steps
    assert len(of(steps.MountBind, made)) == (0 if namespaced else 2)


def test_v2_cgroups_are_one_file_system() -> None:
    document = config()
    document["mounts"] = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro", "nsdelegate"]}]
    made = plan(document, cgroup_mode="v2", cgroup_paths={"": "/sys/fs/cgroup/box"})
    assert [(step.fstype, step.options) for step in of(steps.MountFs, made)] == [("cgroup2", ("nsdelegate",))]


@pytest.mark.parametrize(("users", "shown"), [([], "/sys/fs/cgroup"), ([{"type": "user"}], "/sys/fs/cgroup/box")])
def test_v2_without_a_namespace_is_the_whole_tree_but_for_other_users(users: list[dict[str, str]], shown: str) -> None:
    maps = [{"containerID": 0, "hostID": 1000, "size": 10}] if users else []
    document = config(namespaces=[{"type": "mount"}, *users], uidMappings=maps, gidMappings=maps)
    document["mounts"] = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]}]
    del document["hostname"]
    paths = {"": "/sys/fs/cgroup/box"}
    made = plan(document, cgroup_mode="v2", cgroup_paths=paths, cgroup_top="/sys/fs/cgroup")
    assert [step.source for step in of(steps.MountBind, made)] == [shown]


# --- a user without privilege -------------------------------------------------------


def rootless(**linux: Any) -> dict[str, Any]:
    own = {"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}
    own["gidMappings"] = [{"containerID": 0, "hostID": 1001, "size": 1}]
    document = config(**{**own, **linux})
    document["linux"]["namespaces"].append({"type": "user"})
    document["process"]["user"] = {"uid": 0, "gid": 0, "additionalGids": [7]}
    return document


def test_the_own_group_alone_is_mapped_with_groups_denied() -> None:
    made = plan(rootless(), caller=Caller(1000, 1001))
    assert of(steps.Clone, made)[0].deny_setgroups == 1
    assert of(steps.SetUser, made)[0].set_groups == 0
    assert not of(steps.MapIdsBy, made)


def test_granted_groups_are_mapped_by_the_tool_and_can_be_set() -> None:
    granted = [{"containerID": 0, "hostID": 1001, "size": 1}, {"containerID": 1, "hostID": 100000, "size": 9}]
    made = plan(rootless(gidMappings=granted), caller=Caller(1000, 1001, "/b/newuidmap", "/b/newgidmap"))
    assert of(steps.MapIdsBy, made) == [steps.MapIdsBy("/b/newuidmap", "/b/newgidmap")]
    assert order(made, steps.MapIdsBy, steps.Clone) == ["MapIdsBy", "Clone"]
    assert of(steps.Clone, made)[0].deny_setgroups == 0
    assert of(steps.SetUser, made)[0].set_groups == 1


def test_root_of_a_user_namespace_that_denies_groups_sets_none() -> None:
    made = plan(config(), caller=Caller(groups_denied=True))
    assert of(steps.SetUser, made)[0].set_groups == 0
    assert of(steps.Clone, made)[0].deny_setgroups == 0


def test_a_user_takes_no_bind_sources_along_and_binds_them_inside() -> None:
    document = rootless()
    document["mounts"].append({"destination": "/data", "source": "/srv", "options": ["rbind"]})
    made = plan(document, caller=Caller(1000, 1001))
    assert not of(steps.StartBroker, made)
    assert of(steps.MountBind, made)[0].slot == steps.SLOT_NONE


def test_a_user_enters_the_user_namespace_first() -> None:
    document = config()
    document["linux"]["namespaces"] = [{"type": "mount", "path": "/m"}, {"type": "user", "path": "/u"}]
    made = plan(document, caller=Caller(1000, 1001))
    assert [step.flags for step in of(steps.SetNamespace, made)] == [CLONE_NEWUSER, 0x00020000]


def test_where_the_container_has_no_cgroup_its_mount_shows_the_callers() -> None:
    document = config(namespaces=[{"type": "mount"}])
    document["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup"})
    made = plan(document, cgroup_paths={"pids": "/c/pids/u/x"}, cgroup_shown={"pids": "/c/pids/u", "cpu": "/c/cpu"})
    assert {step.source for step in of(steps.MountBind, made)} == {"/c/pids/u/x", "/c/cpu"}
    assert [step.file for step in of(steps.JoinCgroup, made)] == ["/c/pids/u/x/tasks"]


def test_a_path_that_is_named_twice_is_covered_once() -> None:
    document = config(maskedPaths=["/a", "/b", "/a"], readonlyPaths=["/c", "/c"])
    made = plan(document)
    assert [step.path for step in of(steps.MaskPath, made)] == ["/a", "/b"]
    assert [step.path for step in of(steps.ReadonlyPath, made)] == ["/c"]


def test_the_callers_null_device_is_left_behind_with_its_mounts() -> None:
    assert order(plan(config()), steps.PivotRoot, steps.ReopenNull) == ["PivotRoot", "ReopenNull"]
    document = config()
    document["process"]["terminal"] = True
    assert not of(steps.ReopenNull, plan(document))
    assert not of(steps.ReopenNull, plan(config(namespaces=[{"type": "pid"}])))


def test_in_a_user_namespace_what_shows_a_namespace_of_the_hosts_is_bound() -> None:
    document = config()
    document["mounts"] += [{"destination": "/sys", "type": "sysfs", "options": ["ro"]}]
    document["linux"]["namespaces"] = [{"type": "user", "path": "/u"}, {"type": "mount"}, {"type": "pid"}]
    made = plan(document)
    assert [(step.source, step.dest, step.set_all) for step in of(steps.MountBind, made)] == [("/sys", "/sys", mountopts.RDONLY)]
    document["linux"]["namespaces"].append({"type": "network", "path": "/n"})
    assert not of(steps.MountBind, plan(document))


def test_read_only_is_a_word_for_the_superblock_where_there_is_a_device() -> None:
    document = config()
    document["mounts"] += [
        {"destination": "/a", "type": "ext4", "source": "/dev/sdz", "options": ["ro"]},
        {"destination": "/b", "type": "ext4", "source": "/dev/sdz"},
        {"destination": "/c", "type": "sysfs", "source": "/sys", "options": ["ro"]},
    ]
    assert [step.options for step in of(steps.MountFs, plan(document))][-3:] == [("ro",), (), ()]


def test_a_terminal_without_a_mount_namespace_is_opened_before_the_root_changes() -> None:
    document = config()
    document["process"]["terminal"] = True
    document["linux"]["namespaces"] = [{"type": "pid"}]
    assert order(plan(document), steps.OpenConsole, steps.OpenFile, steps.PivotRoot) == ["OpenConsole", "OpenFile", "PivotRoot"]


@pytest.mark.parametrize("mount", [{"type": "bind"}, {"options": ["rbind"]}, {"type": "none", "options": ["bind"]}])
def test_a_dev_that_is_bound_in_any_way_is_left_as_it_is(mount: dict[str, object]) -> None:
    document = config()
    document["mounts"][1] = {"destination": "/dev", "source": "/dev", **mount}
    assert not of(steps.MakeNode, plan(document))


def test_devices_of_a_new_user_namespace_are_made_outside_with_the_hosts_ids() -> None:
    asked = [
        {"path": "/dev/a", "type": "c", "major": 1, "minor": 5, "uid": 3, "gid": 4, "fileMode": 0o600},
        {"path": "/dev/b", "type": "c", "major": 1, "minor": 5, "uid": 99},
        {"path": "/dev/c", "type": "p"},
    ]
    maps = {"containerID": 0, "hostID": 1000, "size": 10}
    document = config(devices=asked, uidMappings=[maps], gidMappings=[{**maps, "hostID": 2000}])
    document["linux"]["namespaces"].append({"type": "user"})
    made = plan(document)
    (outside,) = of(steps.MakeDevice, made)
    assert (outside.mode, outside.uid, outside.gid) == (0o20600, 1003, 2004)
    assert [(bind.dest, bind.slot) for bind in of(steps.MountBind, made)] == [("/dev/a", outside.slot)]
    inside = {node.path for node in of(steps.MakeNode, made)}
    assert {"/dev/b", "/dev/c"} <= inside and "/dev/a" not in inside
    assert order(made, steps.MakeDevice, steps.Clone, steps.MountBind) == ["MakeDevice", "Clone", "MountBind"]
    assert not of(steps.MakeDevice, plan(document, caller=Caller(uid=5)))
    assert not of(steps.MakeDevice, plan(config(devices=asked)))


@pytest.mark.parametrize(("annotations", "word"), [({}, "context"), ({"run.oci.mount_context_type": "rootcontext"}, "rootcontext")])
def test_file_systems_that_take_a_label_have_it(annotations: dict[str, str], word: str) -> None:
    document = config() | {"annotations": annotations}
    document["mounts"].append({"destination": "/sys", "type": "sysfs"})
    labelled = {step.fstype: step.options for step in of(steps.MountFs, plan(document, mount_label="a:b:c:s0:c1,c2"))}
    assert labelled["tmpfs"][-1] == f"{word}=a:b:c:s0:c1,c2"
    assert (labelled["proc"], labelled["sysfs"]) == ((), ())
    assert not [o for step in of(steps.MountFs, plan(document)) for o in step.options if "context" in o]


@pytest.mark.parametrize("mapped", [True, False])
def test_exec_enters_the_cgroup_before_a_mapped_containers_cgroup_namespace(mapped: bool) -> None:
    """Under ``nsdelegate`` nobody inside one may be moved in from outside, and a mapped process cannot enter it later."""
    document = config()
    document["linux"]["namespaces"] = [{"type": kind} for kind in ("mount", "cgroup", *(["user"] if mapped else []))]
    flags = 0x02020000 | (0x10000000 if mapped else 0)  # mount, cgroup; user
    request = ExecRequest("box", document, document["process"], {"": "/cg/box"}, flags)  # type: ignore[arg-type]
    found = order(compile_exec(request), steps.JoinCgroup, steps.OpenFile, steps.SetNamespace, steps.Clone)
    if mapped:
        assert found == ["JoinCgroup", "SetNamespace", "Clone"]
    else:
        assert found == ["OpenFile", "SetNamespace", "Clone", "SetNamespace"]
