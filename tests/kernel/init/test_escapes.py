"""Root file systems that want out: their links lead nowhere but into themselves."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kernel.init import plans
from kernel.init.test_mounts import inside
from rung.runtime.plan import steps as s

UPWARDS = "../../../../../../../../../.."


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A host directory that must stay empty, at a path that the root file system knows."""
    path = tmp_path / "outside"
    path.mkdir()
    return path


@pytest.mark.parametrize("target", ["/", "/etc", "/nowhere", "."])
@pytest.mark.parametrize("fstype", ["proc", "sysfs"])
def test_proc_and_sys_must_be_directories(run, rootfs, fstype, target):
    name = {"proc": "proc", "sysfs": "sys"}[fstype]
    (rootfs / name).rmdir()
    (rootfs / name).symlink_to(target)
    plan = [plans.clone(), *plans.root(rootfs), plans.fs(f"/{name}", fstype)]
    ledger = run(plan).ledger
    assert ledger.error_errno == errno.ENOTDIR
    assert ledger.error.startswith(f"/{name}: ")


@pytest.mark.parametrize("absolute", [True, False])
def test_a_dev_that_leads_to_the_host(run, rootfs, outside, absolute):
    """/dev -> the host's directory: everything made there is made in the root instead."""
    (rootfs / "dev").rmdir()
    (rootfs / "dev").symlink_to(outside if absolute else UPWARDS + str(outside))
    plan = inside(
        rootfs,
        plans.fs("/dev", "tmpfs"),
        plans.fs("/dev/pts", "devpts", "newinstance"),
        s.MakeNode("/dev/null", 0o20666, 1, 3, 0, 0, ""),
        s.MakeDir("/dev/dir", 0o755, 0, 0),
        s.MakeSymlink("/dev/link", "/"),
        plans.bind("/dev/file", "/etc/hostname"),
        plans.bind("/dev/bin", "/bin", s.BIND_INSIDE),
        argv=("ls", "/dev/"),
    )
    outcome = run(plan)
    assert outcome.ledger.error == ""
    assert outcome.output.split() == ["bin", "dir", "file", "link", "null", "pts"]
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "step",
    [
        s.MakeDir("/evil/made", 0o755, 0, 0),
        s.MakeDir("/chain/made", 0o755, 0, 0),
        s.MakeSymlink("/evil/made", "/"),
        s.MakeNode("/evil/made", 0o20666, 1, 3, 0, 0, ""),
        s.Chdir("/evil/made", 1),
        plans.fs("/evil/made", "tmpfs"),
        plans.bind("/evil/made", "/etc/hostname"),
        plans.bind("/evil", "/etc"),
        plans.fs("/up/made", "tmpfs"),
    ],
    ids=lambda step: f"{type(step).__name__} {step.values()[0]}",
)
def test_nothing_is_made_outside(run, rootfs, outside, step):
    (rootfs / "evil").symlink_to(outside)
    (rootfs / "chain").symlink_to("/evil")
    (rootfs / "up").symlink_to(UPWARDS + str(outside))
    outcome = run(inside(rootfs, step, argv=("true",)))
    assert (outcome.ledger.error, outcome.status) == ("", 0)
    assert list(outside.iterdir()) == []
    assert (rootfs / str(outside).lstrip("/")).is_dir(), "the link's text was followed inside the root"


def test_links_in_a_circle(run, rootfs):
    (rootfs / "a").symlink_to("b")
    (rootfs / "b").symlink_to("a")
    ledger = run(inside(rootfs, plans.fs("/a/x", "tmpfs"))).ledger
    assert (ledger.error_errno, ledger.error) == (errno.ELOOP, "/a/x")


def test_links_that_grow(run, rootfs):
    """Each following names a longer missing path: ends by count, not by memory."""
    (rootfs / "grow").symlink_to("grow/x/grow")
    ledger = run(inside(rootfs, plans.fs("/grow", "tmpfs"))).ledger
    assert ledger.error_errno == errno.ELOOP


def test_a_dangling_link_is_followed_by_its_text(run, rootfs):
    (rootfs / "var").mkdir()
    (rootfs / "var/run").symlink_to("../run")
    outcome = run(
        inside(rootfs, plans.bind("/var/run/secrets/token", "/etc/hostname"), argv=("ls", "/run/secrets"))
    )
    assert outcome.output.split() == ["token"]


def test_a_null_device_that_is_none(run, rootfs):
    """CVE-2025-31133: a link in the null device's place must not be bound over what is masked."""
    (rootfs / "dev/null").symlink_to("/etc/passwd")
    plan = inside(rootfs)
    plan.insert(-4, s.MaskPath("/proc/keys"))
    ledger = run(plan).ledger
    assert (ledger.error_errno, ledger.error) == (
        errno.ENODEV,
        "/dev/null of the root file system is not the null device",
    )


def test_masking_through_a_link_stays_inside(run, rootfs):
    (rootfs / "etc/secret").write_text("secret")
    (rootfs / "masked").symlink_to("/etc/secret")
    plan = inside(
        rootfs,
        s.MakeNode("/dev/null", 0o20666, 1, 3, 0, 0, ""),
        s.MaskPath("/masked"),
        argv=("cat", "/etc/secret"),
    )
    assert run(plan).output == ""


def test_a_devpts_that_is_none(run, rootfs):
    (rootfs / "dev/pts").mkdir()
    os.mknod(rootfs / "dev/pts/ptmx", 0o20666, os.makedev(5, 2))
    plan = inside(rootfs, s.OpenConsole(80, 24, 0, 0, 0))
    assert run(plan).ledger.error.startswith("/dev/pts: no devpts")


@pytest.mark.parametrize("key", ["../self/oom_score_adj", "kernel/../../self/oom_score_adj", "kernel/.."])
def test_sysctl_keys_do_not_climb(run, rootfs, key):
    ledger = run(inside(rootfs, s.OpenProc(), s.SetSysctl(key, "1"))).ledger
    assert (ledger.error_errno, ledger.error) == (errno.EINVAL, f"{key}: a sysctl's name has no '..'")


def test_a_working_directory_outside(run, rootfs):
    """CVE-2024-21626: no descriptor of ours leads out by /proc/self/fd."""
    fd = os.open("/", os.O_RDONLY)
    try:
        os.set_inheritable(fd, True)
        ledger = run(inside(rootfs, s.Chdir(f"/proc/self/fd/{fd}", 0))).ledger
    finally:
        os.close(fd)
    assert ledger.error == f"/proc/self/fd/{fd}"
    assert ledger.error_errno in (errno.ELOOP, errno.ENOENT)


def test_a_passwd_that_is_a_fifo(run, rootfs):
    (rootfs / "etc/passwd").unlink()
    os.mkfifo(rootfs / "etc/passwd")
    outcome = run(inside(rootfs, s.SetHome(0), argv=("sh", "-c", "echo $HOME")))
    assert outcome.output.split() == ["/"]


def test_a_passwd_with_odd_lines(run, rootfs):
    lines = [
        "",
        "::::::",
        "x" * 10000 + ":x:7:7::/long:",
        "a:b",
        "seven:x:7:7:g:/home/seven",
        "late:x:7:7:g:/late:",
    ]
    (rootfs / "etc/passwd").write_text("\n".join(lines))
    outcome = run(inside(rootfs, s.SetHome(7), argv=("sh", "-c", "echo $HOME")))
    assert outcome.output.split() == ["/home/seven"]
