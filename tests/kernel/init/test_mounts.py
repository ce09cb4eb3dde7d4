"""Mounts: attributes, mount points, propagation, and the errors they give."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from kernel.init import plans
from rung.runtime.calls import call_name
from rung.runtime.plan import steps as s


def inside(
    rootfs,
    *middle: s.Step,
    after: Sequence[s.Step] = (),
    argv: Sequence[str] = ("cat", "/proc/self/mountinfo"),
) -> list[s.Step]:
    """A small container: a procfs, the steps under test, the pivot, steps ``after`` it, a command."""
    return [
        plans.clone(plans.CLONE_NEWNS | plans.CLONE_NEWPID),
        *plans.root(rootfs),
        plans.fs("/proc", "proc"),
        *middle,
        s.PivotRoot(0, 0),
        s.Chdir("/", 0),
        *after,
        *plans.execute(*argv),
    ]


def mount_line(output: str, dest: str) -> str:
    return next(line for line in output.splitlines() if line.split()[4] == dest)


def test_only_the_containers_mounts_remain(run, rootfs):
    outcome = run(inside(rootfs))
    assert [line.split()[4] for line in outcome.output.splitlines()] == ["/", "/proc"]


def test_a_bound_file_gets_a_file_to_lie_on(run, rootfs, tmp_path):
    (tmp_path / "source").write_text("hello")
    outcome = run(
        inside(rootfs, plans.bind("/new/dir/file", tmp_path / "source"), argv=("cat", "/new/dir/file"))
    )
    assert outcome.output == "hello"
    assert (rootfs / "new/dir/file").read_text() == ""


def test_attributes_of_a_bind(run, rootfs, tmp_path):
    (tmp_path / "source").mkdir()
    bind = plans.bind("/data", tmp_path / "source", set=plans.RDONLY | plans.NOSUID, set_all=plans.NODEV)
    line = mount_line(run(inside(rootfs, bind)).output, "/data")
    assert {"ro", "nosuid", "nodev"} <= set(line.split()[5].split(","))


def test_a_recursive_bind_takes_what_is_below(run, rootfs, tmp_path):
    """The inner tmpfs is mounted by the plan itself, in the source."""
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    plan = [
        plans.clone(plans.CLONE_NEWNS | plans.CLONE_NEWPID),
        s.SetPropagation(plans.MS_SLAVE | plans.MS_REC),
        s.BindRoot(str(source), 0, 0),
        plans.fs("/deep", "tmpfs"),
        s.BindRoot(str(rootfs), 0, 0),
        plans.fs("/proc", "proc"),
        plans.bind("/data", source, 1, set=plans.RDONLY, set_all=plans.NOEXEC),
        plans.bind("/flat", source, 0),
        s.PivotRoot(0, 0),
        *plans.execute("cat", "/proc/self/mountinfo"),
    ]
    output = run(plan).output
    assert {"ro", "noexec"} <= set(mount_line(output, "/data").split()[5].split(","))
    deep = mount_line(output, "/data/deep").split()[5].split(",")
    assert "noexec" in deep and "rw" in deep
    assert " /flat/deep " not in output


def test_a_source_inside_the_root(run, rootfs):
    (rootfs / "etc/real").write_text("inside")
    (rootfs / "etc/link").symlink_to("/etc/real")
    outcome = run(inside(rootfs, plans.bind("/copy", "/etc/link", 4), argv=("cat", "/copy")))
    assert outcome.output == "inside"


def test_propagation_of_one_mount(run, rootfs):
    shared = plans.fs("/shared", "tmpfs").replace(propagation=plans.MS_SHARED)
    output = run(inside(rootfs, shared)).output
    assert "shared:" in mount_line(output, "/shared")
    assert "shared:" not in mount_line(output, "/")


def test_the_new_roots_propagation(run, rootfs):
    plan = inside(rootfs)
    plan[plan.index(s.PivotRoot(0, 0))] = s.PivotRoot(0, plans.MS_SHARED | plans.MS_REC)
    output = run(plan).output
    assert "shared:" in mount_line(output, "/") and "shared:" in mount_line(output, "/proc")


@pytest.mark.parametrize("how", [0, 1, 2])
def test_each_way_to_change_the_root(run, rootfs, how):
    plan = inside(rootfs, argv=("ls", "/"))
    plan[plan.index(s.PivotRoot(0, 0))] = s.PivotRoot(how, 0)
    assert run(plan).output.split() == sorted(path.name for path in rootfs.iterdir())


def test_moving_the_root_leaves_no_other_procfs(run, rootfs):
    """Below a moved root the caller's tree stays; a procfs in it would make new, unmasked ones possible."""
    plan = inside(rootfs)
    plan[plan.index(s.PivotRoot(0, 0))] = s.PivotRoot(1, 0)
    outcome = run(plan)
    at = plan.index(s.PivotRoot(1, 0))
    unmounted = [
        call for call in outcome.ledger.calls if call.step == at and call_name(call.number) == "umount2"
    ]
    assert {call.result for call in unmounted} == {0}
    hosts = {
        line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if " / " in line
    }
    assert len(unmounted) >= len(hosts & {"/proc", "/sys"})
    assert (outcome.ledger.error, outcome.status) == ("", 0)


def test_a_shared_tree_does_not_hear_of_the_container(run, rootfs):
    """With the caller's mounts shared and left so, mounts of the container stay its own."""
    plan = inside(rootfs)
    plan[2] = s.SetPropagation(plans.MS_SHARED | plans.MS_REC)
    wrapped = ("/usr/bin/unshare", "-m", "--propagation", "shared")
    output = run(plan, prefix=wrapped).output
    assert [line.split()[4] for line in output.splitlines()] == ["/", "/proc"]
    assert "shared:" not in mount_line(output, "/")


def test_a_read_only_root(run, rootfs):
    sealed = [s.SetMountAttr("/", plans.RDONLY, 0, 0, 0)]
    assert "ro" in mount_line(run(inside(rootfs, *sealed)).output, "/").split()[5].split(",")


def test_a_mount_on_the_root_becomes_the_root(run, rootfs):
    plan = inside(rootfs, plans.bind("/", rootfs, set=plans.NOSUID), plans.fs("/proc", "proc"))
    assert "nosuid" in mount_line(run(plan).output, "/").split()[5]


def test_tmpcopyup(run, rootfs):
    (rootfs / "etc/deep/er").mkdir(parents=True)
    (rootfs / "etc/deep/er/file").write_text("content")
    (rootfs / "etc/deep/er/file").chmod(0o640)
    os.chown(rootfs / "etc/deep/er/file", 12, 34)
    (rootfs / "etc/deep/link").symlink_to("/nowhere")
    up = plans.fs("/etc", "tmpfs").replace(copy_up=1)
    argv = (
        "sh",
        "-c",
        "cat /etc/deep/er/file; stat -c ' %a %u %g ' /etc/deep/er/file; readlink /etc/deep/link",
    )
    outcome = run(inside(rootfs, up, argv=argv))
    assert outcome.output.split() == ["content", "640", "12", "34", "/nowhere"]


def test_an_overlay_with_a_long_list_of_layers(run, rootfs, tmp_path):
    layers = [tmp_path / f"layer-with-a-long-name-{n:03}" for n in range(20)]
    for n, layer in enumerate(layers):
        layer.mkdir()
        (layer / f"file{n}").write_text("")
    lower = "lowerdir=" + ":".join(map(str, layers))
    overlay = s.MountFs("/all", "overlay", "overlay", (lower, "ro"), plans.NOEXEC, 0, 0)
    outcome = run(inside(rootfs, overlay, argv=("sh", "-c", "ls /all; cat /proc/self/mountinfo")))
    assert outcome.ledger.error == ""
    assert outcome.output.split()[:20] == sorted(f"file{n}" for n in range(20))
    assert "noexec" in mount_line("\n".join(outcome.output.splitlines()[20:]), "/all")


BAD = {
    "option": (
        plans.fs("/t", "tmpfs", "size=much"),
        errno.EINVAL,
        "/t: option size=much: tmpfs: Bad value for 'size'",
    ),
    "flag": (plans.fs("/t", "tmpfs", "frobnicate"), errno.EINVAL, "/t: option frobnicate"),
    "type": (plans.fs("/t", "nosuchfs"), errno.ENODEV, "/t: file system type nosuchfs"),
    "source": (plans.bind("/t", "/no/such/source"), errno.ENOENT, "/t: source /no/such/source"),
    "through a file": (plans.bind("/etc/passwd/x", "/etc"), errno.ENOTDIR, "/etc/passwd/x"),
    "directory on a file": (plans.bind("/etc/passwd", "/etc"), errno.ENOTDIR, "/etc/passwd"),
    "attributes of no mount": (s.SetMountAttr("/etc", 1, 0, 0, 0), errno.EINVAL, "/etc: not a mount point"),
    "attributes of nothing": (s.SetMountAttr("/none", 1, 0, 0, 0), errno.ENOENT, "/none"),
    "propagation": (s.SetPropagation(0x3), errno.EINVAL, "/"),
    "empty slot": (plans.bind("/t", "/etc", slot=77), errno.EBADF, "slot 77"),
    "magic link": (plans.bind("/proc/self/fd/0", "/etc/hostname"), errno.ELOOP, "/proc/self/fd/0"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors_name_the_object(run, rootfs, case):
    step, code, words = BAD[case]
    plan = inside(rootfs, step)
    outcome = run(plan)
    ledger = outcome.ledger
    assert (ledger.error_errno, plan[ledger.error_step]) == (code, step)
    assert ledger.error.startswith(words)
    assert outcome.status == 1
    assert outcome.messages == [b"e"]
    if case not in ("empty slot", "directory on a file"):
        assert ledger.calls[ledger.error_call].result == -code


@pytest.mark.parametrize("path", ["/no/such/root", "/etc/hostname"])
def test_a_root_that_is_none(run, path):
    ledger = run([plans.clone(plans.CLONE_NEWNS), *plans.root(path)]).ledger
    assert ledger.error.startswith(path)
    assert ledger.error_errno == (errno.ENOTDIR if path == "/etc/hostname" else errno.ENOENT)
