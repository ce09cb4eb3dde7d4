"""The process of an exec: the container's own, changed by flags."""

import json

import pytest

from rung.errors import RungError
from rung.runtime.cli.exec import (
    COMMAND,
    cgroups_below,
    changed,
    changed_user,
    check_console,
    read_process,
    with_capabilities,
)
from rung.runtime.cli.options import parse

OWN = {
    "terminal": True,
    "args": ["server"],
    "env": ["A=1"],
    "cwd": "/srv",
    "user": {"uid": 5, "gid": 6},
    "noNewPrivileges": True,
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 9, "soft": 9}],
}


def process(*words):
    options, arguments = parse(COMMAND.flags, (*words, "web1", "ls", "-e", "x"), False)
    return changed(OWN, options, arguments[1:])


def test_only_the_command_and_the_terminal_change_by_themselves():
    assert process() == {**OWN, "args": ["ls", "-e", "x"], "terminal": False}


def test_flags():
    found = process(
        "-t", "-e", "B=2", "-e", "A=3", "--cwd", "/", "-u", "7:8", "-g", "9", "--no-new-privs=false"
    )
    assert found["terminal"] is True
    assert found["env"] == ["A=1", "B=2", "A=3"]
    assert found["cwd"] == "/"
    assert found["user"] == {"uid": 7, "gid": 8, "additionalGids": [9]}
    assert found["noNewPrivileges"] is False
    labels = process("--apparmor", "p", "--process-label", "l")
    assert (labels["apparmorProfile"], labels["selinuxLabel"]) == ("p", "l")


def test_the_containers_own_process_is_left_alone():
    before = json.dumps(OWN)
    process("-e", "B=2", "-u", "1", "-g", "2", "-c", "CAP_SYS_ADMIN")
    assert json.dumps(OWN) == before


def test_users():
    assert changed_user({"uid": 1, "gid": 2}, "7", ()) == {"uid": 7, "gid": 2}
    assert changed_user({"additionalGids": [3]}, "", (4,)) == {"additionalGids": [3, 4]}
    for bad in ("root", "1:users", ":1", "1:", "-1", "²"):
        with pytest.raises(RungError, match="is not a number"):
            changed_user({}, bad, ())
    with pytest.raises(RungError, match="must not be negative"):
        changed_user({}, "", (-1,))


def test_capabilities_become_ambient_only_where_some_are_inheritable():
    assert with_capabilities({}, ["CAP_KILL"]) == dict.fromkeys(
        ("bounding", "effective", "permitted"), ["CAP_KILL"]
    )
    with_ambient = with_capabilities({"inheritable": ["CAP_CHOWN"]}, ["CAP_KILL"])
    assert (with_ambient["inheritable"], with_ambient["ambient"]) == (["CAP_CHOWN"], ["CAP_KILL"])


@pytest.mark.parametrize(
    ("terminal", "detach", "socket", "fine"),
    [
        (False, False, "", True),
        (False, True, "", True),
        (True, False, "", True),
        (True, True, "/s", True),
        (True, True, "", False),
        (True, False, "/s", False),
        (False, True, "/s", False),
    ],
)
def test_terminals_and_console_sockets(terminal, detach, socket, fine):
    if fine:
        check_console(terminal, detach, socket)
        return
    with pytest.raises(RungError):
        check_console(terminal, detach, socket)


def test_cgroups_below_the_containers_own():
    assert cgroups_below([]) == {}
    assert cgroups_below(["sub/group"]) == {"": "sub/group"}
    assert cgroups_below(["cpu,cpuacct:/sub", "memory:other"]) == {"cpu": "/sub", "cpuacct": "/sub", "memory": "other"}
    for bad in (["cpu:a", "b"], [":a"], ["cpu,:a"], ["cpu:a", "cpu:b"]):
        with pytest.raises(RungError, match="use --cgroup"):
            cgroups_below(bad)


def test_a_process_from_a_file(tmp_path):
    file = tmp_path / "process.json"
    file.write_text('{"args": ["ls"]}')
    assert read_process(str(file)) == {"args": ["ls"]}
    for text, reason in (("{", "is not JSON"), ("[]", "must be a JSON object")):
        file.write_text(text)
        with pytest.raises(RungError, match=reason):
            read_process(str(file))


def test_no_command():
    with pytest.raises(RungError, match="no command was given"):
        changed(OWN, {}, [])
