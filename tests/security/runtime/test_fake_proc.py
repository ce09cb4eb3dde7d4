"""CVE-2019-16884, CVE-2019-19921, CVE-2025-52881: a /proc that the image or a volume has made.

What decides over the workload is written below /proc: sysctls and security labels. An image that brings
ordinary files of these names would have the writes, and the container would run without. What is mounted
on and in /proc is in test_proc_mounts.py; a mount point of /proc that is a link in test_escapes.py.

Without the procfs of our own (OpenProc taking the root's /proc as it is) the sysctl and the label were
written into the image's files, and the containers ran without them.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence
from kernel.runtime.test_idmap import USERS, root_of


@pytest.fixture
def pretending(bed):
    """A root file system whose /proc is a directory of files, made as a container's root would find them."""
    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    root = root_of(bed, False)
    for process in ("self", "1", "2", "thread-self"):
        for name in ("attr/exec", "attr/apparmor/exec"):
            path = root / "proc" / process / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o666)
    for name in ("kernel/shmmni", "kernel/domainname"):
        path = root / "proc/sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o666)
    return root


def touched(root: Path) -> list[str]:
    return [str(path) for path in (root / "proc").rglob("*") if path.is_file() and path.read_bytes()]


def without_proc(bed, root, **edits):
    config = bed.config()
    return {**edits, "mounts": [mount for mount in config["mounts"] if mount["type"] != "proc"], "root.path": str(root),
            "root.readonly": False, "linux.maskedPaths": None, "linux.readonlyPaths": None}  # fmt: skip


def test_a_sysctl_goes_to_the_kernel_and_not_into_the_images_file(bed, pretending):
    edits = without_proc(bed, pretending, **{"linux.sysctl": {"kernel.shmmni": "1234"}})
    with bed.running(edits) as container:
        asked = ["nsenter", "-t", str(container.pid), "-i", "cat", "/proc/sys/kernel/shmmni"]
        assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "1234\n"
    assert touched(pretending) == []


def test_where_the_kernel_refuses_a_procfs_of_our_own_the_images_is_looked_at(bed, pretending):
    """In a user namespace without a procfs in view."""
    maps = {key: value for key, value in USERS.items() if key.startswith("linux")}
    edits = without_proc(bed, pretending, **maps, **{"linux.sysctl": {"kernel.shmmni": "1234"}})
    edits["mounts"] = [mount for mount in edits["mounts"] if mount["type"] == "tmpfs"]
    outcome = bed.call("run", "-b", bed.bundle(["true"], edits), bed.new_id())
    one_sentence(outcome, "/proc of the root file system is no procfs")
    assert touched(pretending) == []


@pytest.mark.parametrize("field", ["process.selinuxLabel", "process.apparmorProfile"])
@pytest.mark.parametrize("operation", ["create", "exec"])
def test_a_label_that_the_kernel_did_not_take_is_an_error(bed, pretending, field, operation):
    """This kernel has neither module (or not this profile): only a file could take the label."""
    label = {field: "system_u:system_r:container_t:s0" if "selinux" in field else "no-such-profile"}
    if operation == "create":
        outcome = bed.call("run", "-b", bed.bundle(["true"], without_proc(bed, pretending, **label)), bed.new_id())
        one_sentence(outcome, "attr/")
    else:
        with bed.running(without_proc(bed, pretending)) as container:
            process = {**container.config["process"], "args": ["true"], field.split(".")[1]: label[field]}
            file = bed.folder / "process.json"
            import json

            file.write_text(json.dumps(process))
            outcome = bed.call("exec", "--process", file, container.id)
            one_sentence(outcome, "attr/", status=255)
    assert touched(pretending) == []
