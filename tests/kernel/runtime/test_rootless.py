"""Containers of a user who has no privilege at all."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import warmth
from conformance.console import converse
from kernel.runtime.bed import Bed, one_sentence, until
from kernel.runtime.user import GID, UID, User, a_user


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    with a_user(bed) as made:
        yield made


def test_a_whole_life_in_the_foreground(user: User) -> None:
    outcome = user.run("id -u; id -g; echo hello; exit 3")
    assert (outcome.status, outcome.output, outcome.error) == (3, "0\n0\nhello\n", "")


def test_just_the_own_ids_are_mapped_and_groups_cannot_be_set(user: User) -> None:
    seen = user.run("cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups").output.split()
    assert seen == ["0", str(UID), "1", "0", str(GID), "1", "deny"]


def test_another_id_than_roots_inside(user: User) -> None:
    own = [{"containerID": 1000, "hostID": UID, "size": 1}], [{"containerID": 100, "hostID": GID, "size": 1}]
    edits = {"linux.uidMappings": own[0], "linux.gidMappings": own[1], "process.user": {"uid": 1000, "gid": 100}}
    outcome = user.run("id -u; id -g", edits)
    assert (outcome.status, outcome.output) == (0, "1000\n100\n"), outcome.error


def test_devices_are_the_hosts_bound_in(user: User) -> None:
    outcome = user.run("for d in null zero full random urandom tty; do test -c /dev/$d && echo $d; done; mount")
    words = outcome.output.split()
    assert words[:6] == ["null", "zero", "full", "random", "urandom", "tty"]
    assert outcome.output.count(" on /dev/null type devtmpfs ") == 1
    assert user.run("echo x > /dev/null && head -c 3 /dev/zero | wc -c").output == "3\n"


def test_kernel_files_are_hidden_and_read_only(user: User) -> None:
    outcome = user.run("wc -c < /proc/keys; ls /sys/firmware | wc -l; touch /sys/x; echo 1 > /proc/sys/vm/swappiness")
    assert outcome.output == "0\n0\n"
    assert outcome.error.count("Read-only file system") == 2, outcome.error


def test_a_whole_life_step_by_step(user: User) -> None:
    name = user.bed.new_id()
    user.ok("create", "--bundle", user.bundle(["sleep", "1000"]), name)
    assert json.loads(user.ok("state", name))["status"] == "created"
    user.ok("start", name)
    state = json.loads(user.ok("state", name))
    assert state["status"] == "running"
    assert Path(f"/proc/{state['pid']}").stat().st_uid == UID
    assert [one["id"] for one in json.loads(user.ok("list", "--format", "json"))] == [name]
    assert user.call("exec", name, "sh", "-c", "id -u; exit 7").output == "0\n"
    assert user.call("exec", name, "sh", "-c", "exit 7").status == 7
    user.ok("kill", name, "KILL")
    until(lambda: json.loads(user.ok("state", name))["status"] == "stopped", "the container has stopped")
    user.ok("delete", name)
    one_sentence(user.call("state", name), name, "does not exist")


def test_its_processes_are_told_without_a_cgroup(user: User) -> None:
    with user.running({"process.args": ["sh", "-c", "sleep 2000 & exec sleep 1000"]}) as name:
        pids = until(lambda: two_of(json.loads(user.ok("ps", "--format", "json", name))), "both are there")
        until(lambda: all(b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids), "both sleep")
        user.ok("kill", "--all", name, "KILL")
        until(lambda: json.loads(user.ok("state", name))["status"] == "stopped", "all have been killed")


def two_of(pids: list[int]) -> list[int]:
    return pids if len(pids) == 2 else []


def test_exec_before_the_start_is_refused_in_one_sentence(user: User) -> None:
    name = user.bed.new_id()
    user.ok("create", "--bundle", user.bundle(["true"]), name)
    one_sentence(user.call("exec", name, "true"), name, "once it is started", status=255)
    user.ok("delete", name)


def test_state_lies_in_the_users_runtime_directory(user: User) -> None:
    with user.running() as name:
        place = user.runtime_dir / "rung/runtime"
        assert (place / name / "state.json").exists()
        assert place.stat().st_mode & stat.S_ISVTX, "else it may be cleaned away"


def test_a_terminal(user: User) -> None:
    bundle = user.bundle("test -t 0 && tty; stty size; exit 5", {"process.terminal": True})
    code, said = converse(user.words("run", "--bundle", bundle, user.bed.new_id()), [])
    assert code == 5
    assert "/dev/pts/0" in said


def test_a_terminal_for_exec(user: User) -> None:
    with user.running() as name:
        code, said = converse(user.words("exec", "--tty", name, "sh", "-c", "tty; exit 6"), [])
        assert (code, said.strip()) == (6, "/dev/pts/0")


def test_hooks_run_as_the_user(user: User) -> None:
    said = user.folder / "said"
    said.touch()
    os.chown(said, UID, GID)
    write = {"path": "/bin/sh", "args": ["sh", "-c", f"echo $0 $(id -u) >> {said}"]}
    stages = ("createRuntime", "createContainer", "poststart", "poststop")
    hooks = {stage: [{**write, "args": [stage, *write["args"][1:]]}] for stage in stages}
    assert user.run(["true"], {"hooks": hooks}).status == 0
    assert said.read_text().splitlines() == [
        f"createRuntime {UID}",
        "createContainer 0",  # in the user namespace already
        f"poststart {UID}",
        f"poststop {UID}",
    ]


def test_volumes(user: User) -> None:
    data = user.folder / "data"
    data.mkdir()
    (data / "file").write_text("content\n")
    os.chown(data, UID, GID)
    mounts = [
        *user.config("")["mounts"],
        {"destination": "/data", "source": str(data), "options": ["rbind", "rw"]},
        {"destination": "/fixed", "source": str(data), "options": ["bind", "ro"]},
        {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=700"]},
    ]
    outcome = user.run("cat /data/file; touch /data/new /t/x; ls -ln /data/new | cut -c1-3; touch /fixed/y", {"mounts": mounts})
    assert outcome.output.startswith("content\n-rw")
    assert "Read-only" in outcome.error
    assert (data / "new").stat().st_uid == UID


def test_a_network_namespace_of_its_own(user: User) -> None:
    namespaces = [*user.config("")["linux"]["namespaces"], {"type": "network"}]
    outcome = user.run("ip -o link | cut -d, -f1-2; cat /proc/sys/net/ipv4/ip_unprivileged_port_start", {
        "linux.namespaces": namespaces,
        "linux.sysctl": {"net.ipv4.ip_unprivileged_port_start": "80"},
    })
    assert outcome.status == 0, outcome.error
    first, *_, port = outcome.output.splitlines()
    assert first.startswith("1: lo: <LOOPBACK,UP")
    assert port == "80"


def test_limits_and_score(user: User) -> None:
    limits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    seen = user.run("ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj", {
        "process.rlimits": limits,
        "process.oomScoreAdj": 500,
    })
    assert seen.output.split() == ["100", "200", "500"]
    one_sentence(user.run("true", {"process.oomScoreAdj": -500}), "oom_score_adj", "lower than the caller may set")


# --- what cannot be had -------------------------------------------------------------


def test_without_a_user_namespace(user: User) -> None:
    one_sentence(user.run("true", {"linux.namespaces": [{"type": "mount"}, {"type": "uts"}], "linux.uidMappings": [], "linux.gidMappings": []}), "user namespace", str(UID))


def test_another_groups_are_refused_by_name(user: User) -> None:
    outcome = user.run("true", {"process.user": {"uid": 0, "gid": 0, "additionalGids": [7]}})
    one_sentence(outcome, "process.user.additionalGids")


def test_a_user_that_is_not_mapped(user: User) -> None:
    one_sentence(user.run("true", {"process.user": {"uid": 5, "gid": 0}}), "user id 5 is not mapped")


def test_more_ids_than_the_own_without_newuidmap(user: User) -> None:
    edits = {"linux.uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}
    outcome = user.run("true", edits)
    assert outcome.status == 1
    assert "Traceback" not in outcome.error and "uidmap" in outcome.error, outcome.error


def test_limits_without_a_cgroup(user: User) -> None:
    one_sentence(user.run("true", {"linux.resources": {"pids": {"limit": 10}}}), "linux.resources.pids", "delegated")
    one_sentence(user.run("true", {"linux.resources": {"memory": {"limit": 1 << 26}}}), "linux.resources.memory")


def test_device_rules_without_a_cgroup_are_nothing_to_fail_for(user: User) -> None:
    rules = {"devices": [{"allow": False, "access": "rwm"}]}
    assert user.run("echo made", {"linux.resources": rules}).output == "made\n"


def test_a_cgroup_that_is_asked_for_by_path(user: User) -> None:
    outcome = user.run("true", {"linux.cgroupsPath": f"/{user.bed.mark}-of-root"})
    one_sentence(outcome, user.bed.mark, "delegated")


def test_cgroup_errors_are_errors_where_the_caller_says_that_it_is_root(user: User) -> None:
    one_sentence(user.run("true", None, "--rootless=false"), "cgroup", "delegated")
    assert user.run("true", None, "--rootless=true").status == 0


def test_pausing_needs_a_cgroup(user: User) -> None:
    with user.running() as name:
        one_sentence(user.call("pause", name), name, "no cgroup")
        one_sentence(user.call("update", "--pids-limit", "5", name), "pids")


def test_a_bundle_that_the_user_cannot_read(user: User) -> None:
    bundle = user.bundle(["true"])
    (bundle / "config.json").chmod(0o600)
    one_sentence(user.call("run", "--bundle", bundle, user.bed.new_id()), "config.json", "Permission denied")
    bundle.chmod(0o700)
    one_sentence(user.call("run", "--bundle", bundle, user.bed.new_id()), "config.json", "Permission denied")


def test_a_root_file_system_that_the_user_cannot_enter(user: User) -> None:
    hidden = user.folder / "hidden"
    (hidden / "rootfs").mkdir(parents=True)
    hidden.chmod(0o700)
    one_sentence(user.run("true", {"root.path": str(hidden / "rootfs")}), "root.path", str(hidden))


def test_a_root_file_system_of_somebody_elses(user: User) -> None:
    root = user.folder / "rootfs"
    (root / "proc").rmdir()
    os.chown(root, 0, 0)
    one_sentence(user.run("true"), "/proc")


def test_a_place_for_state_that_the_user_cannot_write(user: User) -> None:
    outcome = user.run("true", None, "--root=/run/rung-of-root/runtime")
    one_sentence(outcome, "/run/rung-of-root", "Permission denied")


def test_without_a_runtime_directory_the_state_has_no_place(user: User) -> None:
    words = [word for word in user.words("list") if not word.startswith("XDG_RUNTIME_DIR")]
    code, said = converse([*words[:-1], "run", "--bundle", str(user.bundle("true")), user.bed.new_id()], [])
    assert code == 1
    assert "XDG_RUNTIME_DIR" in said and "--root" in said


def test_the_warm_server_is_roots_alone(user: User) -> None:
    """A user's command finds no way to root's server, and is carried out by its own Python."""
    source = Path(warmth.__file__).resolve().parent.parent / "src"
    before = warmth.servers(source)
    try:
        listens = warmth.start(user.bed.program, source)
        assert stat.S_IMODE(listens.parent.stat().st_mode) == 0o700
        as_user = ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups"]
        assert subprocess.run(["test", "-S", listens], timeout=60).returncode == 0
        assert subprocess.run([*as_user, "test", "-S", listens], timeout=60).returncode == 1
        assert user.run("echo cold").output == "cold\n"
    finally:
        if not before:
            warmth.stop(source)
