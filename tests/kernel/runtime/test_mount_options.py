"""What the words of ``options`` come to on a bind, whose source has attributes of its own.

The rule is runc's: without a word about attributes the bind has its source's; with one, those
that are not named are off, but for what a user namespace has locked, which stays, and
which it is an error to ask away.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence
from kernel.runtime.test_idmap import USERS, root_of
from kernel.runtime.test_mounts import table

USERS_OR_NOT = pytest.mark.parametrize("users", [False, True], ids=["no user namespace", "user namespace"])


@pytest.fixture
def source(bed):
    """A tmpfs of its own; call it with the attributes it shall have."""
    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    place = bed.folder / "source"
    place.mkdir()

    @contextmanager
    def mounted(words: str):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "rw,strictatime", "tmpfs", place], check=True)
        try:
            subprocess.run(["mount", "--bind", "-o", f"remount,{words}", place], check=True)
            yield place
        finally:
            subprocess.run(["umount", place], check=True)

    return mounted


def configured(bed, users, args, *mounts, **edits):
    changes = {"root.path": str(root_of(bed, users)), "root.readonly": False, **(USERS if users else {}), **edits}
    config = bed.config(args, changes)
    config["mounts"] = [*config["mounts"], *mounts]
    return bed.write(config)


def bound(bed, users, place, words: str, **edits) -> set[str]:
    """The bind's attributes as the container sees them."""
    mount = {"destination": "/m", "source": str(place), "options": words.split(",")}
    bundle = configured(bed, users, ["cat", "/proc/self/mountinfo"], mount, **edits)
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    assert outcome.status == 0, outcome.error
    return table(outcome.output)["/m"][0]


@USERS_OR_NOT
@pytest.mark.parametrize("words", ["bind", "bind,rprivate", "bind,defaults"])
def test_without_a_word_it_is_as_its_source(bed, source, users, words):
    with source("ro,noexec,nosymfollow,nodiratime,noatime") as place:
        assert bound(bed, users, place, words) == {"ro", "noexec", "nosymfollow", "nodiratime", "noatime"}


@pytest.mark.parametrize(
    ("has", "words", "then"),
    [
        ("ro,noexec,nosymfollow", "bind,dev", {"rw", "relatime"}),
        ("ro", "bind,nosuid,nodev", {"rw", "nosuid", "nodev", "relatime"}),
        ("nosuid,nodev,noexec", "bind,ro", {"ro", "relatime"}),
        ("ro", "bind,rw", {"rw", "relatime"}),
        ("ro", "bind,sync", {"rw", "relatime"}),
        ("noatime", "bind,ro", {"ro", "noatime"}),
        ("noatime", "bind,atime", {"rw", "noatime"}),
        ("noatime", "bind,norelatime", {"rw", "noatime"}),
        ("noatime", "bind,relatime", {"rw", "relatime"}),
        ("noatime", "bind,nodiratime", {"rw", "nodiratime", "relatime"}),
        ("nodiratime,relatime", "bind,strictatime", {"rw"}),
        ("relatime", "bind,nodiratime,strictatime", {"rw", "nodiratime"}),
    ],
)
def test_with_one_the_others_are_off(bed, source, has, words, then):
    has += ",relatime" if "atime" not in has else ""
    with source(has) as place:
        assert bound(bed, False, place, words) == then


@pytest.mark.parametrize(
    ("has", "words", "then"),
    [
        ("ro,noexec,nosymfollow,nodiratime,relatime", "bind,dev", {"ro", "noexec", "nodiratime", "relatime"}),
        ("ro,relatime", "bind,nosuid,nodev", {"ro", "nosuid", "nodev", "relatime"}),
        ("nosuid,nodev,noexec,noatime", "bind,ro", {"ro", "nosuid", "nodev", "noexec", "noatime"}),
        ("nodev,nosymfollow,relatime", "bind,symfollow", {"rw", "nodev", "relatime"}),
        ("noatime", "bind,atime", {"rw", "noatime"}),
    ],
)
@pytest.mark.parametrize("closed", [False, True], ids=["reached", "by the helper"])
def test_in_a_user_namespace_what_is_locked_stays(bed, source, has, words, then, closed):
    with source(has) as place:
        if closed:
            (bed.folder / "closed").mkdir(mode=0o700)
            (bed.folder / "closed/source").mkdir()
            subprocess.run(["mount", "--bind", place, bed.folder / "closed/source"], check=True)
            subprocess.run(["mount", "--bind", "-o", f"remount,{has}", bed.folder / "closed/source"], check=True)
        try:
            assert bound(bed, True, bed.folder / "closed/source" if closed else place, words) == then
        finally:
            if closed:
                subprocess.run(["umount", bed.folder / "closed/source"], check=True)


@pytest.mark.parametrize("mapped", [False, True], ids=["plain", "mapped"])
@pytest.mark.parametrize(("has", "word"), [("ro", "rw"), ("nodev", "dev"), ("nosuid,noexec", "exec"), ("relatime", "noatime")])
def test_and_cannot_be_asked_away(bed, source, has, word, mapped):
    with source(has) as place:
        mount = {"destination": "/m", "source": str(place), "options": ["bind", word, *(["idmap"] * mapped)]}
        outcome = bed.call("run", "-b", configured(bed, True, ["true"], mount), bed.new_id())
        one_sentence(outcome, "/m", "EPERM")


@pytest.mark.parametrize("mapped", [False, True], ids=["plain", "mapped"])
def test_nor_by_the_container_itself(bed, source, mapped):
    """All capabilities in the user namespace do not take off what the host has set."""
    with source("ro,nosuid,relatime") as place:
        mount = {"destination": "/m", "source": str(place), "options": ["bind", *(["idmap"] * mapped)]}
        caps = dict.fromkeys(("bounding", "effective", "permitted"), ["CAP_SYS_ADMIN"])
        script = "mount -o remount,bind,rw /m; touch /m/x; grep ' /m ' /proc/self/mountinfo"
        bundle = configured(bed, True, ["sh", "-c", script], mount, **{"process.capabilities": caps})
        outcome = bed.call("run", "-b", bundle, bed.new_id())
        assert {"ro", "nosuid"} <= table(outcome.output)["/m"][0], (outcome.output, outcome.error)
        assert not list(place.iterdir())


def test_words_for_a_file_system_are_passed_over_on_a_bind(bed):
    mount = {"destination": "/m", "source": "/etc", "options": ["bind", "size=64k"]}
    outcome = bed.call("run", "-b", configured(bed, False, ["true"], mount), bed.new_id())
    one_sentence(outcome, "warning: mounts[", "size=64k", status=0)


@pytest.mark.parametrize("word", ["sync", "dirsync", "lazytime", "mand", "silent", "iversion", "async", "nolazytime", "noiversion", "loud"])
def test_words_for_a_superblock(bed, word):
    mount = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": [word, "nosuid"]}
    outcome = bed.call("run", "-b", configured(bed, False, ["grep", " /m ", "/proc/self/mountinfo"], mount), bed.new_id())
    assert outcome.status == 0, outcome.error
    own = outcome.output.split(" - ")[1].split()[2].split(",")
    assert (word in own) == (word in ("sync", "dirsync", "lazytime", "mand")), outcome.output
    assert "nosuid" in outcome.output.split()[5]


# --- a host that shares its mounts ----------------------------------------------------------------------


@USERS_OR_NOT
def test_a_shared_source_does_not_hear_of_the_containers_mounts(bed, source, users):
    with source("relatime") as place:
        subprocess.run(["mount", "--make-shared", place], check=True)
        (place / "inner").mkdir()
        os.chown(place / "inner", 100000 * users, 100000 * users)
        mounts = [
            {"destination": "/m", "source": str(place), "options": ["rbind"]},
            {"destination": "/m/inner", "type": "tmpfs", "source": "tmpfs"},
        ]
        bundle = configured(bed, users, ["grep", " /m/inner ", "/proc/self/mountinfo"], *mounts)
        outcome = bed.call("run", "-b", bundle, bed.new_id())
        assert outcome.status == 0, outcome.error
        assert f"{place}/inner" not in Path("/proc/self/mountinfo").read_text()


# --- sources that are no directories -----------------------------------------------------------------------


@USERS_OR_NOT
@pytest.mark.parametrize("words", ["bind", "bind,ro", "bind,rro"])
@pytest.mark.parametrize("kind", ["file", "fifo", "socket", "link to a file"])
def test_each_kind_of_source(bed, source, users, words, kind):
    del source
    place = bed.folder / "thing"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
    else:
        (bed.folder / "real").write_text("hello")
        place.symlink_to("real") if kind != "file" else place.write_text("hello")
    mount = {"destination": "/deep/er/thing", "source": str(place), "options": words.split(",")}
    bundle = configured(bed, users, ["stat", "-c", "%F", "/deep/er/thing"], mount)
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    assert outcome.output.strip() == {"fifo": "fifo", "socket": "socket"}.get(kind, "regular file"), outcome


# --- links: crun's words ------------------------------------------------------------------------------------


@USERS_OR_NOT
@pytest.mark.parametrize(
    ("words", "script", "says"),
    [
        ("dest-nofollow,src-nofollow", "readlink /target", "real"),
        ("dest-nofollow", "cat /target", "content"),
        ("src-nofollow", "readlink /nowhere", "real"),
        ("", "cat /nowhere", "content"),
        ("copy-symlink", "readlink /target2", "real"),
        ("rbind,copy-symlink", "cat /real", "none"),
    ],
)
def test_links_at_either_end(bed, source, users, words, script, says):
    del source
    (bed.folder / "real").write_text("content")
    link = bed.folder / "link"
    link.symlink_to("real")
    root = root_of(bed, users)
    (root / "target").symlink_to("nowhere")
    (root / "real").write_text("none")
    dest = "/target2" if "copy" in words else "/target"
    mount = {"destination": dest, "source": str(link), "options": ["bind", *filter(None, words.split(","))]}
    bundle = configured(bed, users, ["sh", "-c", script], mount, **{"root.path": str(root)})
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    assert outcome.output.strip() == says, outcome


@pytest.mark.parametrize(("there", "fits"), [("real", True), ("other", False), (None, False)])
def test_a_copied_link_where_something_is(bed, there, fits):
    link = bed.folder / "link"
    link.symlink_to("real")
    root = bed.own_rootfs()
    (root / "target").symlink_to(there) if there else (root / "target").write_text("")
    mount = {"destination": "/target", "source": str(link), "options": ["bind", "copy-symlink"]}
    outcome = bed.call("run", "-b", configured(bed, False, ["true"], mount, **{"root.path": str(root)}), bed.new_id())
    if fits:
        assert outcome.status == 0, outcome.error
    else:
        one_sentence(outcome, "/target", "something else than the link to real")


def test_copy_symlink_of_no_link_is_a_bind(bed):
    mount = {"destination": "/target", "source": "/etc/hostname", "options": ["bind", "copy-symlink"]}
    bundle = configured(bed, False, ["cat", "/target"], mount)
    assert bed.call("run", "-b", bundle, bed.new_id()).output == Path("/etc/hostname").read_text()


# --- the root's own propagation, on a host that shares its mounts ------------------------------------------


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("", []),
        ("slave", ["master:"]),
        ("rslave", ["master:"]),
        ("private", []),
        ("rprivate", []),
        ("shared", ["shared:"]),
        ("rshared", ["shared:"]),
        ("unbindable", ["unbindable"]),
        ("runbindable", ["unbindable"]),
    ],
)
def test_the_roots_propagation_where_the_host_shares(bed, word, says):
    """The runtime runs in a mount namespace of its own in which all is shared."""
    edits = {"root.path": str(bed.own_rootfs()), "linux.rootfsPropagation": word}
    name = bed.new_id()
    words = bed.command("run", "-b", bed.bundle(["cat", "/proc/self/mountinfo"], edits), name)
    run = subprocess.run(
        ["unshare", "-m", "--propagation", "shared", *words],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    fields = table(run.stdout)["/"][1]
    assert [field.split(":")[0] + ":" * (":" in field) for field in fields] == says, fields


def test_a_destination_that_begins_with_the_roots_path_is_in_it(bed):
    root = bed.own_rootfs()
    mount = {"destination": f"{root}/in/side", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]}
    bundle = configured(bed, False, ["grep", " /in/side ", "/proc/self/mountinfo"], mount, **{"root.path": str(root)})
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    assert outcome.status == 0, outcome
    assert "ro" in table(outcome.output)["/in/side"][0]


# --- file systems that are no binds ----------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "has"), [("rro", "ro"), ("rnosuid", "nosuid"), ("rnoatime", "noatime")])
def test_recursive_words_on_a_new_file_system_are_its_own(bed, word, has):
    mount = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": [word]}
    outcome = bed.call("run", "-b", configured(bed, False, ["cat", "/proc/self/mountinfo"], mount), bed.new_id())
    assert has in table(outcome.output)["/m"][0], outcome


def test_an_image_that_can_only_be_read_is_mounted_read_only(bed):
    """`ro` must reach the superblock, or the kernel refuses the device."""
    image = bed.folder / "image"
    image.write_bytes(bytes(2 << 20))
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    attach = ["losetup", "--read-only", "--show", "--find", image]
    device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
    try:
        mount = {"destination": "/m", "type": "ext4", "source": device, "options": ["ro", "nosuid"]}
        rule = {"allow": True, "type": "b", "major": 7, "access": "r"}  # loop; else the kernel may not open it for init
        bundle = configured(bed, False, ["ls", "/m"], mount, **{"linux.resources": {"devices": [rule]}})
        outcome = bed.call("run", "-b", bundle, bed.new_id())
        assert outcome.lines == ["lost+found"], outcome
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.mark.parametrize("shared", [("network",), ("ipc",), ("pid",), ("network", "ipc", "pid")], ids="+".join)
def test_what_shows_a_namespace_of_the_hosts_is_the_hosts_in_a_user_namespace(bed, source, shared):
    """Its root may not mount sysfs, mqueue and procfs of namespaces that are not its own."""
    del source
    if not Path("/dev/mqueue").is_dir():
        pytest.skip("no /dev/mqueue on this host")
    kinds = [{"type": kind} for kind in ("user", "mount", "uts", "pid", "ipc", "network") if kind not in shared]
    default = [mount for mount in bed.config()["mounts"] if mount["type"] != "cgroup"]
    edits = {**USERS, "linux.namespaces": kinds, "mounts": default, "root.path": str(root_of(bed, True))}
    outcome = bed.run("cat /proc/self/mountinfo", edits)
    assert outcome.status == 0, outcome
    found = table(outcome.output)
    assert (found["/proc"][2], found["/sys"][2]) == ("proc", "sysfs")
    assert "ipc" in shared or found["/dev/mqueue"][2] == "mqueue"  # where the host has none mounted, its directory
    for place in [place for place in found if place.startswith("/sys")]:  # the host's cgroups are there
        assert {"ro", "nosuid", "nodev", "noexec"} <= found[place][0] or place == "/sys/firmware", place
    assert not [field for field in found["/sys"][1] if field.startswith("shared")]


def test_a_terminal_without_a_mount_namespace_is_the_hosts(bed):
    """There is no devpts of the container's own then."""
    from conformance.console import converse

    kinds = [{"type": kind} for kind in ("pid", "ipc", "uts")]
    edits = {"linux.namespaces": kinds, "linux.maskedPaths": None, "linux.readonlyPaths": None, "process.terminal": True}
    bundle = bed.bundle(["sh", "-c", "test -t 0 && echo a terminal"], {**edits, "root.path": str(bed.own_rootfs())})
    code, said = converse(bed.command("run", "-b", bundle, bed.new_id()), [])
    assert (code, said.strip()) == (0, "a terminal")


def test_a_label_for_mounts_where_the_kernel_has_no_labels_is_no_hindrance(bed):
    if Path("/sys/fs/selinux/enforce").exists():
        pytest.skip("this kernel has SELinux, which knows which labels there are")
    assert bed.run("true", {"linux.mountLabel": "system_u:object_r:container_file_t:s0:c1,c2"}).status == 0
