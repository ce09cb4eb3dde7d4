"""Root file systems that point at the host: what is mounted and made stays inside, or is refused.

Two ends are right: the container is refused in a sentence, or it runs and the host's files
are as they were. Which one is said for each link.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence

UP = "../" * 12


def spoilt(bed, name: str, target: str) -> Path:
    """A root in which ``name`` is a link to ``target``."""
    root = bed.own_rootfs()
    place = root / name
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    return root


def print_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What is in a directory of the host: name, inode, mode, time of change."""
    found = {}
    for path in folder.iterdir():
        seen = path.lstat()
        found[path.name] = (seen.st_ino, seen.st_mode, seen.st_mtime_ns)
    return found


@pytest.mark.parametrize("name", ["proc", "sys"])
@pytest.mark.parametrize("target", ["/", UP, "/etc", "/nowhere", "tmp", ".", "/proc", "/sys"])
def test_proc_and_sys_must_be_directories(bed, name, target):
    """CVE-2019-16884, CVE-2019-19921: where they are mounted is never the image's choice."""
    root = spoilt(bed, name, target)
    outcome = bed.call("create", "-b", bed.bundle(edits={"root.path": str(root)}), bed.new_id())
    one_sentence(outcome, f"/{name}")


@pytest.mark.parametrize("target", ["{outside}", UP + "{outside}", "/", "/tmp", "/proc", "etc", "nowhere"])
def test_a_dev_that_is_a_link(bed, target):
    outside = bed.folder / "outside"
    outside.mkdir()
    root = spoilt(bed, "dev", target.format(outside=str(outside).lstrip("/") if "../" in target else outside))
    script = "test -c /dev/null && echo > /dev/null"
    outcome = bed.call("run", "-b", bed.bundle(["sh", "-c", script], {"root.path": str(root)}), bed.new_id())
    if outcome.status:
        one_sentence(outcome)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["dev/pts", "dev/shm", "dev/mqueue", "dev/null", "dev/console", "dev/fd", "dev/ptmx"])
def test_links_below_a_dev_that_is_not_mounted(bed, name):
    """Without a tmpfs on /dev, the image's own files lie where ours are made."""
    outside = bed.folder / "outside"
    outside.mkdir()
    (outside / "file").write_text("host")
    before = print_of(outside)
    root = spoilt(bed, name, str(outside / "file" if name in ("dev/null", "dev/console") else outside))
    config = bed.config(["true"], {"root.path": str(root), "root.readonly": False})
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    if outcome.status:
        one_sentence(outcome, name)
    assert print_of(outside) == before
    assert (outside / "file").read_text() == "host"


@pytest.mark.parametrize("kind", ["fifo", "link to the host", "link to a device", "directory", "socket"])
def test_a_passwd_that_is_none(bed, kind):
    """HOME is looked up in a file that the image controls: never followed out, never waited for."""
    root = bed.own_rootfs()
    passwd = root / "etc/passwd"
    passwd.unlink()
    secret = bed.folder / "secret"
    secret.write_text("root:x:0:0::/secret:/bin/sh\n")
    if kind == "fifo":
        os.mkfifo(passwd)
    elif kind == "directory":
        passwd.mkdir()
    elif kind == "socket":
        os.mknod(passwd, stat.S_IFSOCK | 0o666)
    else:
        passwd.symlink_to(secret if kind == "link to the host" else "/dev/tty")
    outcome = bed.run("echo $HOME", {"root.path": str(root)})
    assert (outcome.status, outcome.output) == (0, "/\n")


def test_a_working_directory_through_a_link(bed):
    outside = bed.folder / "outside"
    outside.mkdir()
    root = spoilt(bed, "work", str(outside))
    edits = {"root.path": str(root), "root.readonly": False, "process.cwd": "/work/made/here"}
    outcome = bed.run("pwd -P; touch mine", edits)
    assert outcome.status == 0
    assert list(outside.iterdir()) == []
    assert (root / str(outside).lstrip("/") / "made/here/mine").exists(), "the link was followed inside"


@pytest.mark.parametrize("field", ["maskedPaths", "readonlyPaths"])
def test_paths_that_are_links_to_the_host(bed, field):
    outside = bed.folder / "outside"
    outside.mkdir()
    (outside / "file").write_text("host")
    root = spoilt(bed, "hidden", str(outside))
    outcome = bed.run("true", {"root.path": str(root), f"linux.{field}": ["/hidden", "/hidden/file"]})
    assert outcome.status == 0
    assert (outside / "file").read_text() == "host"
    assert os.access(outside, os.W_OK)


@pytest.mark.parametrize("kind", ["tmpfs", "bind a directory", "bind a file"])
def test_a_mount_point_through_a_link_to_the_host(bed, kind):
    outside = bed.folder / "outside"
    outside.mkdir()
    root = spoilt(bed, "vol", str(outside))
    mount = {
        "tmpfs": {"type": "tmpfs", "source": "tmpfs"},
        "bind a directory": {"type": "bind", "source": "/etc", "options": ["rbind", "ro"]},
        "bind a file": {"type": "bind", "source": "/etc/hostname", "options": ["bind", "ro"]},
    }[kind]
    config = bed.config(["true"], {"root.path": str(root)})
    config["mounts"].append({"destination": "/vol/deep/er", **mount})
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    assert outcome.status == 0, outcome.error
    assert list(outside.iterdir()) == []


def test_a_root_that_is_itself_a_link(bed):
    """``root.path`` is the caller's, not the image's: its links are followed."""
    (bed.folder / "link").symlink_to(bed.rootfs)
    assert bed.run("echo ok", {"root.path": str(bed.folder / "link")}).output == "ok\n"
