"""Mounts whose files show other owners than the file system has, as `stat` inside sees them."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence

NOBODY = int(Path("/proc/sys/kernel/overflowuid").read_text())


def ids(*ranges: tuple[int, int, int]) -> list[dict[str, int]]:
    return [{"containerID": a, "hostID": b, "size": n} for a, b, n in ranges]


USERS = {
    "linux.namespaces": [{"type": kind} for kind in ("user", "mount", "pid", "ipc", "uts")],
    "linux.uidMappings": ids((0, 100000, 65536)),
    "linux.gidMappings": ids((0, 100000, 65536)),
    "mounts": [{"destination": f"/{name}", "type": kind} for name, kind in (("proc", "proc"), ("dev", "tmpfs"))],
}
BOTH = pytest.mark.parametrize("users", [False, True], ids=["no user namespace", "user namespace"])


@pytest.fixture
def source(bed) -> Path:
    """A tree of files of three owners, with a mount below it that holds the same."""
    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    source = bed.folder / "source"
    for place in (source, bed.folder / "lower"):
        place.mkdir()
        for uid, gid in ((0, 0), (100, 211), (101, 222)):
            (place / f"f{uid}").write_text("")
            os.chown(place / f"f{uid}", uid, gid)
    (source / "below").mkdir()
    return source


@contextmanager
def mounted(source: Path):
    """The lower tree mounted inside the source."""
    subprocess.run(["mount", "--bind", source.parent / "lower", source / "below"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", source / "below"], check=True)


def root_of(bed, users: bool) -> Path:
    """A root file system that belongs to the container's root."""
    root = bed.own_rootfs()
    for path in [root, *root.rglob("*")] if users else ():
        os.chown(path, 100000, 100000, follow_symlinks=False)
    return root


def owners(bed, users, *mounts, script="stat -c %u:%g /m/f0 /m/f100 /m/f101", **edits):
    """What stat says of each file."""
    config = bed.config(["sh", "-c", script], {"root.path": str(root_of(bed, users)), "root.readonly": False, **(USERS if users else {}), **edits})
    config["mounts"] = [*config["mounts"], *mounts]
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    assert outcome.status == 0, (outcome.error, outcome.output)
    return outcome.output.split()


def bind(source: Path, *options: str, uids=(), gids=(), dest: str = "/m") -> dict[str, object]:
    mount = {"destination": dest, "type": "bind", "source": str(source), "options": [*(options or ("bind",))]}
    if uids:
        mount |= {"uidMappings": ids(*uids), "gidMappings": ids(*(gids or uids))}
    return mount


# --- mappings of the mount's own -------------------------------------------------------------


@pytest.mark.parametrize("word", [(), ("idmap",), ("ridmap",)], ids=" ".join)
def test_mappings_show_inside_a_user_namespace_as_its_own_ids(bed, source, word):
    mount = bind(source, "bind", *word, uids=[(0, 100000, 65536)])
    assert owners(bed, True, mount) == ["0:0", "100:211", "101:222"]


def test_mappings_without_a_user_namespace_are_the_hosts_ids(bed, source):
    mount = bind(source, "bind", "idmap", uids=[(0, 100000, 65536)])
    assert owners(bed, False, mount) == ["100000:100000", "100100:100211", "100101:100222"]


def test_ranges_for_users_and_groups_apart(bed, source):
    mount = bind(source, uids=[(100, 101000, 1), (101, 102000, 1)], gids=[(210, 101100, 10), (220, 102200, 10)])
    assert owners(bed, True, mount)[1:] == ["1000:1101", "2000:2202"]


def test_one_directory_mapped_twice_and_bound_plainly_beside(bed, source):
    mounts = [
        bind(source, uids=[(0, 100000, 65536)], dest="/a"),
        bind(source, uids=[(0, 100005, 1000)], dest="/b"),
        bind(source, dest="/c"),
    ]
    assert owners(bed, True, *mounts, script="stat -c %u /a/f100 /b/f100 /c/f100") == ["100", "105", str(NOBODY)]


def test_what_is_written_belongs_to_the_writer(bed, source):
    mount = bind(source, uids=[(0, 100000, 65536)])
    assert owners(bed, True, mount, script="touch /m/new && stat -c %u /m/new") == ["0"]
    assert (source / "new").stat().st_uid == 0


def test_the_source_itself_keeps_its_owners(bed, source):
    owners(bed, False, bind(source, uids=[(0, 100000, 65536)]))
    assert [(source / f"f{n}").stat().st_uid for n in (0, 100, 101)] == [0, 100, 101]


@BOTH
def test_attributes_and_propagation_go_with_it(bed, source, users):
    mount = bind(source, "bind", "ro", "nosuid", "shared", "idmap", uids=[(0, 100000, 65536)])
    line = " ".join(owners(bed, users, mount, script="grep ' /m ' /proc/self/mountinfo"))
    assert "ro,nosuid" in line and "shared:" in line and "idmapped" in line, line


# --- what is below ------------------------------------------------------------------------------


BELOW = "stat -c %u /m/f100 /m/below/f100"


@BOTH
@pytest.mark.parametrize(("word", "reaches"), [((), False), (("idmap",), False), (("ridmap",), True)], ids=str)
def test_only_ridmap_reaches_what_is_mounted_below(bed, source, users, word, reaches):
    mount = bind(source, "rbind", *word, uids=[(100, 101000, 5)])
    with mounted(source):
        seen = owners(bed, users, mount, script=BELOW)
    first = 1000 if users else 101000
    assert seen == [str(first), str(first if reaches else NOBODY if users else 100)]


# --- the container's mappings -------------------------------------------------------------------


@pytest.mark.parametrize(("word", "below"), [("idmap", NOBODY), ("ridmap", 100)])
def test_without_mappings_it_has_the_containers(bed, source, word, below):
    with mounted(source):
        assert owners(bed, True, bind(source, "rbind", word), script=BELOW) == ["100", str(below)]


def test_or_those_of_the_user_namespace_that_is_joined(bed, source):
    users = {**USERS, "root.path": str(root_of(bed, True))}
    with bed.running(users) as other:
        joined = [{"type": "user", "path": f"/proc/{other.pid}/ns/user"}, *USERS["linux.namespaces"][1:]]
        edits = {"linux.namespaces": joined, "linux.uidMappings": None, "linux.gidMappings": None}
        with mounted(source):
            assert owners(bed, True, bind(source, "rbind", "ridmap"), script=BELOW, **edits) == ["100", "100"]
            assert owners(bed, True, bind(source, "rbind", "idmap"), script=BELOW, **edits) == ["100", str(NOBODY)]


# --- crun's words -----------------------------------------------------------------------------------


@BOTH
def test_mappings_in_the_option(bed, source, users):
    mount = bind(source, "bind", "idmap=uids=0-101000-1#100-102000-2;gids=0-101000-300")
    seen = owners(bed, users, mount)
    assert seen == (["1000:1000", "2000:1211", "2001:1222"] if users else ["101000:101000", "102000:101211", "102001:101222"])


def test_mappings_that_count_as_the_container_does(bed, source):
    mount = bind(source, "bind", "idmap=uids=@0-7-1#@100-50-2;gids=@0-0-300")
    assert owners(bed, True, mount) == ["7:0", "50:211", "51:222"]


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("idmap=uids=0-1", '"0-1" in idmap is not a range'),
        ("idmap=uids=0-1-x;gids=0-1-1", '"0-1-x" in idmap is not a range'),
        ("idmap=uids=0-1-1", "both uids= and gids="),
        ("idmap=users=0-1-1", "neither uids= nor gids="),
        ("idmap=uids=@0-7-1;gids=0-1-1", "outside the container's user namespace"),
    ],
)
def test_a_word_that_cannot_be_read(bed, source, option, says):
    config = bed.config(["true"])
    config["mounts"].append(bind(source, "bind", option))
    outcome = bed.call("run", "-b", bed.write(config), bed.new_id())
    one_sentence(outcome, f"mounts[{len(config['mounts']) - 1}].options", says)


# --- file systems that are no binds -------------------------------------------------------------------


@BOTH
def test_a_file_system_of_the_containers_own(bed, source, users):
    del source
    mount = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["idmap", "size=64k", "nosuid"]}
    mount |= {"uidMappings": ids((0, 100007, 10)), "gidMappings": ids((0, 100008, 10))}
    script = "stat -c %u:%g /m; grep ' /m ' /proc/self/mountinfo"
    seen = owners(bed, users, mount, script=script)
    assert seen[0] == ("7:8" if users else "100007:100008")
    assert "nosuid" in seen[6] and "size=64k" in seen[-1]


# --- what is refused -----------------------------------------------------------------------------------


def refused(bed, mount, *objects, **edits):
    config = bed.config(["true"], edits)
    config["mounts"] = [*config["mounts"], mount]
    one_sentence(bed.call("run", "-b", bed.write(config), bed.new_id()), *objects)


def test_idmap_with_nothing_to_map_by(bed, source):
    refused(bed, bind(source, "bind", "idmap"), "uidMappings", "there is none")


def test_half_a_mapping(bed, source):
    refused(bed, bind(source) | {"uidMappings": ids((0, 1, 1))}, "gidMappings", "go together")


def test_a_file_system_that_takes_no_mapping(bed):
    mount = bind(Path("/proc"), "bind", "idmap", uids=[(0, 100000, 65536)])
    refused(bed, mount, "/m", "its file system takes none")


def test_a_source_that_is_not_there(bed, source):
    del source
    refused(bed, bind(bed.folder / "nothing", "idmap", "bind", uids=[(0, 1, 1)]), "/m", "nothing")
    mount = bind(bed.folder / "nothing", "idmap", "bind", uids=[(0, 1, 1)])
    refused(bed, mount, "/m", "nothing", **USERS, **{"root.path": str(root_of(bed, True))})


# --- the helper that binds for a user namespace ----------------------------------------------------------


def test_a_source_that_only_the_caller_reaches(bed, source):
    (bed.folder / "closed").mkdir(mode=0o700)
    source.rename(bed.folder / "closed/source")
    assert owners(bed, True, bind(bed.folder / "closed/source"), script="ls /m | wc -l") == ["4"]


@BOTH
@pytest.mark.parametrize("mapped", [False, True], ids=["plain", "mapped"])
def test_a_source_that_an_earlier_mount_has_put_there(bed, source, users, mapped):
    """The second bind's source is the first one's mount point, as the container's namespace has it."""
    (bed.folder / "closed").mkdir(mode=0o700)
    source.rename(bed.folder / "closed/source")
    root = root_of(bed, users)
    (root / "m").mkdir()
    again = bind(root / "m", "rbind", *(["idmap"] if mapped else []), uids=[(0, 100000, 65536)] if mapped else (), dest="/n")
    seen = owners(bed, users, bind(bed.folder / "closed/source"), again, script="stat -c %u /n/f100", **{"root.path": str(root)})
    first = 100 if users else 100100
    assert seen == [str(first if mapped else NOBODY if users else 100)]


def test_no_helper_is_left_nor_any_socket(bed, source):
    """It has ended before create returns: its parent waits for it."""
    before = set(os.listdir("/proc"))
    edits = {**USERS, "root.path": str(root_of(bed, True))}
    edits["mounts"] = [*USERS["mounts"], bind(source)]
    with bed.created(["true"], edits) as container:
        new = {pid for pid in set(os.listdir("/proc")) - before if pid.isdigit()}
        comm = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in new if Path(f"/proc/{pid}/comm").exists()}
        assert [pid for pid, name in comm.items() if name == "rung-init" and int(pid) != container.pid and parent(pid) == os.getpid()] == []


def parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
