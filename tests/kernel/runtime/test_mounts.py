"""Mounts, devices and hidden paths, as the container's own table of mounts has them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

#: option word -> what /proc/self/mountinfo must say of the mount, and must not
WORDS = {
    "ro": ("ro", "rw"),
    "rw": ("rw", "ro"),
    "nosuid": ("nosuid", ""),
    "nodev": ("nodev", ""),
    "noexec": ("noexec", ""),
    "noatime": ("noatime", "relatime"),
    "nodiratime": ("nodiratime", ""),
    "relatime": ("relatime", "noatime"),
    "strictatime": ("", "relatime"),
    "nosymfollow": ("nosymfollow", ""),
    "suid": ("", "nosuid"),
    "dev": ("", "nodev"),
    "exec": ("", "noexec"),
    "symfollow": ("", "nosymfollow"),
}


def table(text: str) -> dict[str, tuple[set[str], list[str], str]]:
    """mount point -> (options, propagation fields, type)."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        dash = words.index("-")
        found[words[4]] = (set(words[5].split(",")), words[6:dash], words[dash + 1])
    return found


def mounts_of(bed, *mounts: dict[str, object], **edits: object) -> dict[str, tuple[set[str], list[str], str]]:
    config = bed.config(["cat", "/proc/self/mountinfo"], {"root.path": str(bed.own_rootfs()), **edits})
    config["mounts"] += mounts
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    assert outcome.status == 0, outcome.error
    return table(outcome.output)


@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_every_option_word(bed, kind):
    source = bed.folder / "source"
    source.mkdir()
    mounts = []
    for word in WORDS:
        mount = {"destination": f"/m/{word}", "type": "tmpfs", "source": "tmpfs", "options": [word]}
        if kind == "bind":
            mount |= {"type": "bind", "source": str(source), "options": ["bind", word]}
        mounts.append(mount)
    found = mounts_of(bed, *mounts)
    for word, (has, lacks) in WORDS.items():
        options = found[f"/m/{word}"][0]
        assert not has or has in options, (word, options)
        assert not lacks or lacks not in options, (word, options)


def test_recursive_words_reach_what_is_below(bed):
    import subprocess

    source = bed.folder / "source"
    (source / "below").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source / "below"], check=True)
    try:
        bind = {"type": "bind", "source": str(source)}
        found = mounts_of(
            bed,
            {"destination": "/deep", **bind, "options": ["rbind", "rro"]},
            {"destination": "/flat", **bind, "options": ["rbind", "ro"]},
            {"destination": "/single", **bind, "options": ["bind"]},
        )
        assert "ro" in found["/deep/below"][0]
        assert "rw" in found["/flat/below"][0]
        assert "/single/below" not in found
    finally:
        subprocess.run(["umount", source / "below"], check=True)


@pytest.mark.parametrize(("word", "field"), [("shared", "shared:"), ("private", ""), ("unbindable", "unbindable")])
def test_propagation_of_a_mount(bed, word, field):
    found = mounts_of(
        bed, {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": [word]}
    )
    fields = found["/m"][1]
    assert (fields == []) if not field else fields[0].startswith(field), fields


@pytest.mark.parametrize(("word", "field"), [("", ""), ("private", ""), ("slave", ""), ("shared", "shared:")])
def test_propagation_of_the_root(bed, word, field):
    fields = mounts_of(bed, **{"linux.rootfsPropagation": word})["/"][1]
    assert (fields == []) if not field else fields[0].startswith(field), fields


def test_a_slave_hears_of_the_host_and_the_host_hears_nothing(bed):
    import subprocess

    source = bed.folder / "source"
    source.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source], check=True)
    subprocess.run(["mount", "--make-shared", source], check=True)
    try:
        (source / "later").mkdir()
        config = bed.config(["sleep", "1000"], {"root.path": str(bed.own_rootfs())})
        config["mounts"].append(
            {"destination": "/vol", "type": "bind", "source": str(source), "options": ["rbind", "rslave"]}
        )
        container = bed.runtime.create(bed.new_id(), str(bed.write(config)))
        try:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source / "later"], check=True)
            assert "/vol/later" in table(Path(f"/proc/{container.pid}/mountinfo").read_text())
            subprocess.run(["umount", source / "later"], check=True)
            assert "/vol/later" not in table(Path(f"/proc/{container.pid}/mountinfo").read_text())
        finally:
            container.kill(9)
            container.wait()
            container.delete()
    finally:
        subprocess.run(["umount", source], check=True)


def test_a_read_only_root(bed):
    outcome = bed.run("touch /x; touch /tmp/x; echo ok > /dev/shm/x && cat /dev/shm/x")
    assert outcome.output.count("Read-only file system") == 2
    assert outcome.lines[-1] == "ok"
    root = bed.own_rootfs()
    assert bed.run("touch /x", {"root.readonly": False, "root.path": str(root)}).status == 0
    assert (root / "x").exists()


def test_masked_and_read_only_paths(bed):
    root = bed.own_rootfs()
    for name in ("masked", "fixed"):
        (root / name).mkdir()
        (root / name / "file").write_text("here")
    (root / "hidden").write_text("here")
    edits = {
        "root.path": str(root),
        "root.readonly": False,
        "linux.maskedPaths": ["/masked", "/hidden", "/nowhere"],
        "linux.readonlyPaths": ["/fixed", "/nowhere"],
    }
    outcome = bed.run("ls /masked; cat /hidden; cat /fixed/file; echo; touch /fixed/x; touch /free", edits)
    assert outcome.lines[0] == "here"
    assert "Read-only" in outcome.lines[1]
    assert len(outcome.lines) == 2
    assert (root / "free").exists()


def test_sysctls_are_the_containers_own(bed):
    before = Path("/proc/sys/kernel/shmmni").read_text()
    outcome = bed.run("cat /proc/sys/kernel/shmmni", {"linux.sysctl": {"kernel.shmmni": "1234"}})
    assert outcome.output == "1234\n"
    assert Path("/proc/sys/kernel/shmmni").read_text() == before


def test_devices_and_their_modes(bed):
    asked = [
        {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o600},
        {"path": "/dev/deep/disk", "type": "b", "major": 7, "minor": 200},
    ]
    with bed.running({"linux.devices": asked}) as container:
        dev = Path(f"/proc/{container.pid}/root/dev")
        names = {path.name for path in dev.iterdir()}
        for name, number in {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "tty": (5, 0)}.items():
            seen = (dev / name).lstat()
            assert stat.S_ISCHR(seen.st_mode) and stat.S_IMODE(seen.st_mode) == 0o666, name
            assert divmod(seen.st_rdev, 256) == number, name
        assert names >= {"fd", "stdin", "stdout", "stderr", "ptmx", "pts", "shm", "mqueue"}
        mine = (dev / "mine").lstat()
        assert (stat.S_IMODE(mine.st_mode), mine.st_uid, mine.st_gid, mine.st_rdev) == (0o640, 7, 8, 0x105)
        assert stat.S_ISFIFO((dev / "pipe").lstat().st_mode)
        disk = (dev / "deep/disk").lstat()
        assert stat.S_ISBLK(disk.st_mode) and stat.S_IMODE(disk.st_mode) == 0o666


def test_the_hosts_dev_when_it_is_bound(bed):
    config = bed.config(["ls", "/dev"])
    config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
    config["mounts"].append({"destination": "/dev", "type": "bind", "source": "/dev", "options": ["rbind", "ro"]})
    before = sorted(p.name for p in Path("/dev").iterdir())
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    assert outcome.status == 0, outcome.error
    assert outcome.output.split() == sorted(outcome.output.split())
    assert {"null", "zero"} <= set(outcome.output.split())
    assert sorted(p.name for p in Path("/dev").iterdir()) == before, "nothing was made in it"


@pytest.mark.parametrize("namespaced", [True, False])
def test_the_containers_own_cgroups(bed, namespaced):
    kinds = ["pid", "ipc", "uts", "mount", "network"] + ["cgroup"] * namespaced
    edits = {"linux.namespaces": [{"type": kind} for kind in kinds]}
    outcome = bed.run("cat /proc/self/cgroup; find /sys/fs/cgroup -name cgroup.procs | xargs cat", edits)
    lines = [line for line in outcome.lines if ":" in line]
    if namespaced:
        assert all(line.endswith(":/") for line in lines), lines
    else:
        assert any(bed.mark in line for line in lines), lines
    pids = [line for line in outcome.lines if line.isdecimal()]
    assert "1" in pids, "it finds itself in what is mounted"
    assert set(pids) <= {str(n) for n in range(8)}, "and nobody else"


def test_the_hosts_table_is_untouched(bed):
    before = Path("/proc/self/mountinfo").read_text().count(str(bed.folder))
    with bed.running():
        assert Path("/proc/self/mountinfo").read_text().count(str(bed.folder)) == before


def test_devices_asked_for_in_a_user_namespace_are_as_asked(bed):
    """Made outside: of the kind, the mode and the owner that the configuration says; they can be opened."""
    from kernel.runtime.test_idmap import USERS, root_of

    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    asked = [
        {"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8},
        {"path": "/dev/deep/disk", "type": "b", "major": 7, "minor": 200},
    ]
    edits = {**USERS, "root.path": str(root_of(bed, True)), "linux.devices": asked, "process.user": {"uid": 7, "gid": 8}}
    script = "stat -c '%F %a %u %g %t:%T' /dev/mine /dev/deep/disk; head -c 3 /dev/mine | wc -c; cat /proc/self/mountinfo"
    outcome = bed.run(script, edits)
    assert outcome.lines[:3] == ["character special file 640 7 8 1:5", "block special file 666 0 0 7:c8", "3"], outcome
    found = table("\n".join(outcome.lines[3:]))
    assert {"nosuid", "noexec"} <= found["/dev/mine"][0] & found["/dev/null"][0]
    assert found["/dev/mine"][2] == "tmpfs"
