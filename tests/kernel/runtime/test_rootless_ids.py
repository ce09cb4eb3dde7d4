"""A user to whom /etc/subuid and /etc/subgid grant ids: mapped by newuidmap and newgidmap."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, one_sentence
from kernel.runtime.user import GID, SUB_COUNT, SUB_GID, SUB_UID, UID, User, a_user, whole_maps


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    with a_user(bed) as made:
        made.be_known()
        yield made


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def test_all_that_is_granted_is_mapped(user: User) -> None:
    outcome = user.run("cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups", whole_maps())
    assert outcome.status == 0, outcome.error
    *seen, groups = outcome.output.split()
    assert groups == "allow"
    assert numbers(" ".join(seen)) == [0, UID, 1, 1, SUB_UID, SUB_COUNT, 0, GID, 1, 1, SUB_GID, SUB_COUNT]


def test_another_user_inside_with_groups(user: User) -> None:
    given = {"uid": 5, "gid": 6, "additionalGids": [7, 8]}
    outcome = user.run("id -u; id -g; id -G; touch /tmp/made", {**whole_maps(), "process.user": given, "root.readonly": False})
    assert outcome.output.split() == ["5", "6", "6", "7", "8"], outcome.error
    made = (user.folder / "rootfs/tmp/made").stat()
    assert (made.st_uid, made.st_gid) == (SUB_UID + 4, SUB_GID + 5)


def test_exec_as_another_user(user: User) -> None:
    with user.running(whole_maps()) as name:
        outcome = user.call("exec", "--user", "9:10", "--additional-gids", "11", name, "sh", "-c", "id -u; id -G")
        assert outcome.output.split() == ["9", "10", "11"], outcome.error


def test_processes_of_other_ids_are_the_users_to_kill(user: User) -> None:
    with user.running({**whole_maps(), "process.user": {"uid": 5, "gid": 6}}) as name:
        pid = json.loads(user.ok("state", name))["pid"]
        assert Path(f"/proc/{pid}").stat().st_uid == SUB_UID + 4


def test_the_own_ids_need_no_tool_for_a_part(user: User) -> None:
    """User ids by newuidmap, the group alone: groups stay denied."""
    maps = {**whole_maps(), "linux.gidMappings": [{"containerID": 0, "hostID": GID, "size": 1}]}
    outcome = user.run("cat /proc/self/setgroups; wc -l < /proc/self/uid_map", maps)
    assert outcome.output.split() == ["deny", "2"], outcome.error


@pytest.mark.parametrize(("kind", "own"), [("uid", UID), ("gid", GID)])
def test_ids_that_are_not_granted(user: User, kind: str, own: int) -> None:
    """The tool's own words are in the sentence, which is one."""
    maps = whole_maps()
    maps[f"linux.{kind}Mappings"] = [
        {"containerID": 0, "hostID": own, "size": 1},
        {"containerID": 1, "hostID": 0, "size": 1},
    ]
    one_sentence(user.run("true", maps), f"new{kind}map", "exit status 1", f"{kind} range [1-2) -> [0-1) not allowed")


def test_a_terminal_belongs_to_the_user_inside(user: User) -> None:
    from conformance.console import converse

    edits = {**whole_maps(), "process.terminal": True, "process.user": {"uid": 5, "gid": 6}}
    bundle = user.bundle("ls -ln $(tty) | awk '{print \"owner\", $3}'", edits)
    code, said = converse(user.words("run", "--bundle", bundle, user.bed.new_id()), [])
    assert (code, said.strip()) == (0, "owner 5")


def test_a_container_in_the_namespaces_of_another(user: User) -> None:
    """As in a pod: the user namespace is entered first, as it gives the power over the others."""
    kinds = {"user": "user", "ipc": "ipc", "uts": "uts", "pid": "pid"}
    with user.running(whole_maps()) as first:
        pid = json.loads(user.ok("state", first))["pid"]
        namespaces = [{"type": kind, "path": f"/proc/{pid}/ns/{name}"} for kind, name in kinds.items()]
        edits = {
            "linux.namespaces": [{"type": "mount"}, *namespaces],
            "linux.uidMappings": [],
            "linux.gidMappings": [],
            "process.user": {"uid": 3, "gid": 3, "additionalGids": [4]},
        }
        outcome = user.run("id -u; id -G; hostname; cat /proc/1/cmdline | tr '\\0' ' '", edits)
        assert outcome.output.split() == ["3", "3", "4", "rung", "sleep", "1000"], outcome.error


@pytest.mark.parametrize("nnp", [True, False])
def test_a_working_directory_that_only_the_containers_user_may_enter(user: User, nnp: bool) -> None:
    """Its group is not mapped, so root of the user namespace has no power over it; the owner enters."""
    private = user.folder / "private"
    private.mkdir()
    os.chown(private, SUB_UID + 6, 0)
    private.chmod(0o700)
    mount = {"source": str(private), "destination": "/private", "type": "bind", "options": ["bind"]}
    edits = {**whole_maps(), "process.cwd": "/private", "process.noNewPrivileges": nnp}
    edits["mounts"] = [*user.config("true")["mounts"], mount]
    for uid, status in ((7, 0), (8, 1), (0, 1)):
        outcome = user.run("pwd; echo x >here", {**edits, "process.user": {"uid": uid, "gid": 7}})
        assert outcome.status == status, outcome
        if status:
            one_sentence(outcome, "/private", "Permission denied")
    assert (private / "here").stat().st_uid == SUB_UID + 6
    with user.running({**edits, "process.user": {"uid": 7, "gid": 7}}) as name:
        assert user.ok("exec", "--user", "7:7", name, "pwd") == "/private\n"
        assert user.call("exec", "--user", "8:8", name, "pwd").status != 0


def test_without_the_tools_the_sentence_says_what_to_install(user: User) -> None:
    words = user.words("run", "--bundle", user.bundle("true", whole_maps()), user.bed.new_id())
    words = [word if not word.startswith("PATH=") else "PATH=/nowhere" for word in words]
    from conformance.console import converse

    code, said = converse(words, [])
    assert code == 1
    assert "linux.uidMappings" in said and "package uidmap" in said


def test_the_outcome_of_many_in_a_row(user: User) -> None:
    """The tools are children of rung-init's outer process, which is gone when they are: nothing piles up."""
    for number in range(5):
        assert user.run(f"exit {number}", whole_maps()).status == number
    assert os.listdir(user.runtime_dir / "rung/runtime") == []
