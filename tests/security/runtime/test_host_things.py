"""What of the host a container could turn against it: cgroups (CVE-2022-0492), disks, the kernel's files.

Each was seen to fail with its protection taken out of the source: "Without" says what was taken out, and what
happened then.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernel.runtime.bed import mounted_cgroups
from kernel.runtime.test_idmap import USERS, root_of

CAPS = [f"CAP_{name}" for name in "SYS_ADMIN SYS_PTRACE DAC_OVERRIDE MKNOD SETUID SETGID NET_ADMIN SYS_CHROOT".split()]
ALL = {"process.capabilities": dict.fromkeys(("bounding", "effective", "permitted"), CAPS), "process.noNewPrivileges": False}
CGROUPS = (
    "find /sys/fs/cgroup -name release_agent; for d in /sys/fs/cgroup /sys/fs/cgroup/*; do"
    " echo 1 > $d/notify_on_release && echo written; mkdir $d/x && echo made; done"
)


#: Who may map itself as root of a user namespace without CAP_SETFCAP.
SOMEBODY = {"process.user": {"uid": 1000, "gid": 1000}}


def namespaces(cgroup: bool) -> dict[str, object]:
    kinds = ["pid", "ipc", "uts", "mount", "network"] + ["cgroup"] * cgroup
    return {"linux.namespaces": [{"type": kind} for kind in kinds]}


def release_agents() -> dict[str, str]:
    found = {f"{top}/release_agent" for top in mounted_cgroups()}
    return {path: Path(path).read_text() for path in found if os.path.exists(path)}


# --- CVE-2022-0492: release_agent ------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False], ids=["cgroup namespace", "the host's"])
@pytest.mark.parametrize("caps", [{}, ALL], ids=["default", "all capabilities"])
def test_cve_2022_0492_cgroups_are_read_only_and_show_no_agent(bed, own, caps):
    """Without MOUNT_ATTR_RDONLY on the hierarchies a directory was made; with the hierarchy's top bound in
    place of the container's own cgroup, release_agent was there."""
    before = release_agents()
    outcome = bed.run(CGROUPS, {**namespaces(own), **caps})
    assert "release_agent" not in outcome.output, outcome
    assert "written" not in outcome.output and "made" not in outcome.output, outcome
    assert "Read-only file system" in outcome.output
    assert release_agents() == before


def test_cve_2022_0492_nor_where_a_container_mounts_them_itself(bed):
    """With CAP_SYS_ADMIN, in its cgroup namespace: its own cgroup is the top, which has no agent.

    Without the cgroup namespace (Unshare) the agent of the host's freezer was there."""
    script = "mkdir /tmp/c && mount -t cgroup -o freezer x /tmp/c && ls /tmp/c/cgroup.procs && ls /tmp/c/release_agent"
    outcome = bed.run(script, {**namespaces(True), **ALL, "root.path": str(bed.own_rootfs()), "root.readonly": False})
    if not any(path.endswith("freezer") for path in mounted_cgroups()):
        pytest.skip("the v1 hierarchy freezer is not mounted on this host")
    assert outcome.lines[0] == "/tmp/c/cgroup.procs", outcome
    assert "release_agent: No such file" in outcome.output


def test_cve_2022_0492_nor_in_a_user_namespace_of_its_own(bed):
    """No capability, a new user and mount namespace: the kernel wants power over the cgroup namespace."""
    script = "busybox unshare -Urm sh -c 'id -u; mount -t cgroup -o freezer x /tmp && echo mounted'"
    outcome = bed.run(script, {**namespaces(True), **SOMEBODY, "root.path": str(bed.own_rootfs())})
    assert outcome.lines[0] == "0", "it is root there"
    assert "mounted" not in outcome.output and outcome.status != 0, outcome


# --- disks and memory ----------------------------------------------------------------------------------------


def openable() -> tuple[str, int, int]:
    """A device of the host that this test itself may open: its disk, else one that makes as good a witness."""
    root = os.stat("/").st_dev
    candidates = [("b", os.major(root), os.minor(root)), ("c", 10, 237), ("c", 10, 229), ("c", 1, 11)]
    for kind, major, minor in candidates:  # loop-control, fuse, kmsg
        try:
            os.close(os.open(f"/dev/{'block' if kind == 'b' else 'char'}/{major}:{minor}", os.O_RDONLY))
        except OSError:
            name = {(10, 237): "loop-control", (10, 229): "fuse", (1, 11): "kmsg"}.get((major, minor))
            if name is None or not can_open(f"/dev/{name}"):
                continue
        return kind, major, minor
    raise AssertionError("this test may open no device that a container may not")


def can_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("made_by", ["mknod", "image", "exec"])
def test_a_device_of_the_host_cannot_be_opened(bed, made_by):
    """Without the device rules of the cgroup it was opened both ways."""
    kind, major, minor = openable()
    root = bed.own_rootfs()
    edits = {**ALL, "root.path": str(root), "root.readonly": False}
    make = f"busybox mknod /tmp/device {kind} {major} {minor}"
    tried = "(exec 3< /tmp/device) && echo read; (exec 3>> /tmp/device) && echo write"
    if made_by == "image":
        os.mknod(root / "tmp/device", (0o60666 if kind == "b" else 0o20666), os.makedev(major, minor))
        outcome = bed.run(tried, edits)
    elif made_by == "exec":
        with bed.running(edits) as container:
            outcome = bed.exec(container, f"{make}; {tried}")
    else:
        outcome = bed.run(f"{make}; {tried}", edits)
    assert outcome.output.count("Operation not permitted") == 2, outcome
    assert "read" not in outcome.lines and "write" not in outcome.lines


def test_without_the_capability_no_device_is_made(bed):
    """Without KeepBounding and SetCapabilities the node was made."""
    kind, major, minor = openable()
    outcome = bed.run(f"busybox mknod /tmp/device {kind} {major} {minor}", {"root.path": str(bed.own_rootfs()), "root.readonly": False})
    assert outcome.status != 0 and "Operation not permitted" in outcome.output


def test_nor_by_the_root_of_a_user_namespace(bed):
    """All capabilities there are none over the host's devices; nor does a node of the image open."""
    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    root = root_of(bed, True)
    kind, major, minor = openable()
    os.mknod(root / "tmp/device", (0o60666 if kind == "b" else 0o20666), os.makedev(major, minor))
    script = f"busybox mknod /tmp/other {kind} {major} {minor}; (exec 3< /tmp/device)"
    outcome = bed.run(script, {**USERS, **ALL, "root.path": str(root), "root.readonly": False})
    assert outcome.output.count("Operation not permitted") == 2, outcome


# --- the kernel's own files -----------------------------------------------------------------------------------


def test_masks_are_not_shaken_off_by_a_new_procfs(bed):
    """A user namespace's procfs must not show more than the one in view, which is masked.

    Without masks and read-only paths it was mounted."""
    script = "busybox unshare -Urpfm sh -c 'id -u; mount -t proc proc /tmp && echo mounted'"
    outcome = bed.run(script, {**SOMEBODY, "root.path": str(bed.own_rootfs())})
    assert outcome.lines[0] == "0", "it is root there"
    assert "mounted" not in outcome.output and outcome.status != 0, outcome


@pytest.mark.parametrize("caps", [{}, ALL], ids=["default", "all capabilities"])
def test_the_kernels_settings_cannot_be_written(bed, caps):
    """Without ReadonlyPath the setting was written."""
    script = "for f in sys/kernel/shmmni sys/net/core/somaxconn irq/default_smp_affinity; do echo 4096 > /proc/$f && echo written; done"
    outcome = bed.run(script, caps)
    assert "written" not in outcome.output, outcome
    assert outcome.output.count("Read-only file system") == 3, outcome


def test_no_more_privilege_by_a_set_user_id_program(bed):
    """Without no_new_privs the flag was not there, and the program ran as root."""
    root = bed.own_rootfs()
    (root / "bin/busybox").chmod(0o4755)
    edits = {"root.path": str(root), "process.user": {"uid": 1000, "gid": 1000}, "process.noNewPrivileges": True}
    assert bed.run("id -u; grep NoNewPrivs /proc/self/status", edits).output.split() == ["1000", "NoNewPrivs:", "1"]
