"""What CRIU is asked for, as data."""

import pytest

from plan_configs import config
from rung.runtime.checkpoint.options import CheckpointOptions, RestoreOptions
from rung.runtime.checkpoint.request import dump_options, named, restore_options
from rung.runtime.errors import RuntimeFailure

NEWNET = 0x40000000


def dump(document=None, *, work_fd=-1, freezer="/sys/fs/cgroup/freezer/box", inodes=None, external=("mnt[/d]:/d",), **chosen):
    return dump_options(
        CheckpointOptions("/images", **chosen),
        document or config(),
        pid=42,
        root="/bundle/rootfs",
        images_fd=5,
        work_fd=work_fd,
        freezer=freezer,
        inodes=inodes or {},
        external=list(external),
    )


def restore(document=None, *, cgroups=None, namespace_fds=None, descriptors=(), **chosen):
    return restore_options(
        RestoreOptions("/images", **chosen),
        document or config(),
        root="/bundle/rootfs",
        images_fd=5,
        work_fd=6,
        cgroups=cgroups or {},
        namespace_fds=namespace_fds or {},
        descriptors=descriptors,
        external=["mnt[/d]:/host"],
    )


def test_a_plain_dump():
    asked = dump()
    assert asked["pid"] == 42 and asked["images_dir_fd"] == 5 and asked["log_file"] == "dump.log"
    assert asked["external"] == ["mnt[/d]:/d"]
    assert asked["freeze_cgroup"] == "/sys/fs/cgroup/freezer/box"
    assert asked["empty_ns"] == NEWNET
    assert asked["manage_cgroups_mode"] == 6  # CRIU's own default
    assert not {"work_dir_fd", "ps", "parent_img", "track_mem", "network_lock"} & asked.keys()


def test_choices_of_the_caller_are_handed_on():
    asked = dump(
        work_fd=7,
        freezer="",
        tcp_established=True,
        leave_running=True,
        link_remap=True,
        tcp_skip_in_flight=True,
        manage_cgroups_mode="ignore",
        network_lock="nftables",
        page_server=("::1", 99),
    )
    assert asked["work_dir_fd"] == 7 and "freeze_cgroup" not in asked
    assert asked["tcp_established"] and asked["leave_running"] and asked["link_remap"] and asked["tcp_skip_in_flight"]
    assert (asked["manage_cgroups_mode"], asked["network_lock"]) == (0, 2)
    assert asked["ps"] == {"address": "::1", "port": 99}


def test_a_pre_dump_is_of_memory_only():
    asked = dump(pre_dump=True)
    assert asked["track_mem"] and asked["external"] == []


def test_a_parent_makes_memory_tracked_for_the_next_one():
    asked = dump(parent_path="../before")
    assert (asked["parent_img"], asked["track_mem"]) == ("../before", True)


def test_joined_network_and_pid_namespaces_go_by_the_name_that_runc_gives_them():
    asked = dump(inodes={"network": 4026, "pid": 4027}, external=())
    assert asked["external"] == ["net[4026]:extRootNetNS", "pid[4027]:extRootPidNS"]
    asked = restore(namespace_fds={"network": 4, "pid": 5})
    assert asked["inherit_fd"] == [{"key": "extRootNetNS", "fd": 4}, {"key": "extRootPidNS", "fd": 5}]


def test_other_kinds_are_joined_by_path():
    document = config()
    document["linux"]["namespaces"] = [
        {"type": "ipc", "path": "/i"},
        {"type": "network", "path": "/n"},
        {"type": "uts"},
    ]
    assert named(document) == {"network": "/n"}
    assert restore(document)["join_ns"] == [{"ns": "ipc", "ns_file": "/i"}]


def test_a_cgroup_namespace_cannot_be_joined():
    document = config()
    document["linux"]["namespaces"] = [{"type": "cgroup", "path": "/c"}]
    with pytest.raises(RuntimeFailure, match="/c"):
        restore(document)


def test_a_restore():
    asked = restore(cgroups={"cpu": "/box", "": "/two"}, descriptors=["pipe:[7]", "/dev/null", "pipe:[8]"])
    assert asked["rst_sibling"] and asked["log_file"] == "restore.log" and asked["work_dir_fd"] == 6
    assert asked["cg_root"] == [{"ctrl": "cpu", "path": "/box"}, {"ctrl": "", "path": "/two"}]
    assert asked["inherit_fd"] == [{"key": "pipe:[7]", "fd": 0}, {"key": "pipe:[8]", "fd": 2}]
    assert not {"lsm_profile", "lsm_mount_context"} & asked.keys()
    asked = restore(lsm_profile="apparmor:a", lsm_mount_context="b", tcp_close=True)
    assert (asked["lsm_profile"], asked["lsm_mount_context"], asked["tcp_close"]) == ("apparmor:a", "b", True)


@pytest.mark.parametrize(
    ("annotations", "file"),
    [(None, "/etc/criu/runc.conf"), ({"org.criu.config": "/c"}, "/c"), ({"org.criu.config": ""}, None)],
)
def test_which_configuration_file_criu_reads(annotations, file):
    document = config()
    if annotations is not None:
        document["annotations"] = annotations
    assert dump(document).get("config_file") == restore(document).get("config_file") == file
