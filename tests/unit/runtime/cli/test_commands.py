"""What each command asks of the library, and what it prints."""

import json
import os
import socket

import pytest

from rung.runtime import ExecOptions
from rung.runtime.cli.list import table
from rung.runtime.cli.ps import only
from rung.runtime.cli.update import size_bytes
from rung.runtime.errors import RuntimeFailure
from rung.spec.runtime.schema import ENUMS

QUIET = (0, "", "")


def test_create(command, library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("create", "-b", "/bundle", "--pid-file", "pid", "--no-pivot", "web2") == QUIET
    options = {
        "console_socket": "",
        "pid_file": f"{tmp_path}/pid",
        "preserve_fds": 0,
        "observe": None,
        "config_file": "",
        "notify": False,
        "no_pivot": True,
        "no_new_keyring": False,
    }
    assert library.calls == [("create", "web2", "/bundle", options)]


def test_create_from_another_configuration_as_crun_takes_it(command, library, tmp_path, monkeypatch):
    """crun.1: the file is meant from where the caller is, the bundle or not."""
    monkeypatch.chdir(tmp_path)
    assert command("create", "-b", "/bundle", "--config", "other.json", "web2") == QUIET
    assert command("run", "-d", "-f", "/elsewhere.json", "web3") == QUIET
    assert [call[3]["config_file"] for call in library.calls if call[0] == "create"] == [
        f"{tmp_path}/other.json",
        "/elsewhere.json",
    ]


@pytest.mark.parametrize(
    ("words", "manager"),
    [
        ("--cgroup-manager systemd", "systemd"),
        ("--cgroup-manager=cgroupfs", "cgroupfs"),
        ("--cgroup-manager cgroupfs --systemd-cgroup", "cgroupfs"),
        ("--cgroup-manager disabled", "disabled"),
        ("--systemd-cgroup", "systemd"),
    ],
)
def test_the_cgroup_manager_in_either_runtimes_words(command, library, words, manager):
    assert command(*words.split(), "start", "web1") == QUIET
    assert library.made_with["cgroup_manager"] == manager
    status, _, err = command("--cgroup-manager", "bogus", "start", "web1")
    assert (status, 'invalid value "bogus"' in err) == (1, True)


def test_create_in_the_current_directory_with_a_console_socket(command, library):
    assert command("create", "web2", "--console-socket=/run/c.sock", "--no-new-keyring") == QUIET
    [(_, _, bundle, options)] = library.calls
    assert bundle == "."
    assert options["console_socket"] == "/run/c.sock"
    assert options["no_new_keyring"] is True


def test_preserved_descriptors_that_are_not_open_are_said(command, library):
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    count = highest + 20
    status, _, err = command("create", "--preserve-fds", str(count), "web2")
    assert status == 0
    assert err.startswith(f"rung-runtime: warning: --preserve-fds {count}: not open, and not preserved: descriptor ")
    assert library.calls[0][3]["preserve_fds"] == count
    assert command("create", "--preserve-fds=-1", "web2")[0] == 1
    assert len(library.calls) == 1


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"LISTEN_FDS": "2"}, 2),
        ({"LISTEN_FDS": "2", "LISTEN_PID": "own"}, 2),
        ({"LISTEN_FDS": "2", "LISTEN_PID": "1"}, 0),
        ({"LISTEN_FDS": "two"}, 0),
        ({}, 0),
    ],
    ids=str,
)
def test_a_service_managers_descriptors_are_the_containers(command, library, monkeypatch, variables, count):
    """sd_listen_fds(3): meant for this process only; inside it is the process 1 that they are meant for."""
    said = {**variables, "LISTEN_PID": str(os.getpid())} if variables.get("LISTEN_PID") == "own" else variables
    monkeypatch.setattr("rung.posix.getenv", said.get)
    assert command("create", "web2") == QUIET
    options = library.calls[0][3]
    assert options["preserve_fds"] == count
    assert options.get("env", ()) == ((f"LISTEN_FDS={count}", "LISTEN_PID=1") if count else ())


@pytest.mark.parametrize("name", ["start", "pause", "resume"])
def test_commands_without_options(command, library, name):
    assert command(name, "web1") == QUIET
    assert library.calls == [(name,)]


@pytest.mark.parametrize(
    ("words", "signal", "everything"),
    [
        ("web1", 15, False),
        ("web1 KILL", 9, False),
        ("web1 sigusr1", 10, False),
        ("web1 9", 9, False),
        ("web1 RTMIN+3", 37, False),
        ("--all web1 9", 9, True),
        ("-a web1", 15, True),
    ],
)
def test_kill(command, library, words, signal, everything):
    assert command("kill", *words.split()) == QUIET
    assert library.calls == [("kill", signal, ("all", everything))]


@pytest.mark.parametrize("word", ["BOGUS", "SIG_DFL", "RTMIN+x", "", "ITIMER_REAL"])
def test_kill_with_an_unknown_signal(command, library, word):
    status, _, err = command("kill", "web1", word)
    if not word:  # as runc: an empty word is none
        assert library.calls == [("kill", 15, ("all", False))]
        return
    assert (status, err) == (
        1,
        f'rung-runtime: unknown signal "{word}" (use a number or a name like TERM)\n',
    )
    assert library.calls == []


def test_killing_what_has_ended_says_so_in_the_words_that_containerd_knows(command, library, stopped):
    library.failures["kill"] = stopped
    status, _, err = command("kill", "web1", "9")
    assert status == 1
    assert "container not running" in err


def test_delete(command, library):
    assert command("delete", "web1", "--force") == QUIET
    assert command("delete", "web1") == QUIET
    assert library.calls == [("delete", ("force", True)), ("delete", ("force", False))]


def test_delete_of_what_is_not_there_is_an_error_unless_forced(command):
    status, _, err = command("delete", "none")
    assert status == 1
    assert 'container "none": does not exist' in err
    assert command("delete", "-f", "none") == QUIET


def test_state_is_indented_as_runcs(command):
    status, out, _ = command("state", "web1")
    assert status == 0
    assert out == (
        '{\n  "ociVersion": "1.2.0",\n  "id": "web1",\n  "pid": 4242,\n  "status": "running",\n'
        '  "bundle": "/b",\n  "rootfs": "/b/rootfs",\n  "created": "2026-01-02T03:04:05.6Z",\n'
        '  "annotations": {\n    "com.example.\\u003ckey\\u003e": "value"\n  },\n  "owner": ""\n}\n'
    )


def test_list_as_a_table(command, library, tmp_path):
    (tmp_path / "web1").mkdir()
    library.containers = ["web1", "deleted-meanwhile"]
    status, out, err = command("--root", str(tmp_path), "list")
    owner = "root" if os.geteuid() == 0 else None
    heading, row = out.splitlines()
    assert (status, err) == (0, "")
    assert heading == "ID          PID         STATUS      BUNDLE      CREATED                  OWNER"
    assert row.startswith("web1        4242        running     /b          2026-01-02T03:04:05.6Z   ")
    assert owner is None or row.endswith(f"   {owner}")


def test_list_as_json_and_as_ids(command, library, tmp_path):
    (tmp_path / "web1").mkdir()
    [found] = json.loads(command("--root", str(tmp_path), "list", "-f", "json")[1])
    assert (found["id"], found["pid"], found["status"]) == ("web1", 4242, "running")
    assert command("--root", str(tmp_path), "list", "-q") == (0, "web1\n", "")
    library.containers = []
    assert command("list", "--format=json") == (0, "null\n", "")
    assert command("list") == (0, "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n", "")
    assert command("list", "-f", "xml")[0] == 1


def test_columns_grow_with_what_they_hold():
    text = table([("A", "B", "C"), ("1234567890", "b", "c")])
    assert text == "A            B           C\n1234567890   b           c\n"


def test_ps_as_json(command):
    assert command("ps", "-f", "json", "web1") == (0, "[7,9]\n", "")


def test_ps_of_what_has_ended_is_empty(command, library, stopped, monkeypatch):
    def pids(_container):
        raise stopped

    monkeypatch.setattr("tests.unit.runtime.cli.conftest.FakeContainer.pids", pids)
    assert command("ps", "-f", "json", "web1") == (0, "null\n", "")
    status, out, err = command("ps", "web1")
    assert (status, len(out.splitlines()), err) == (0, 1, "")


def test_ps_as_a_table_keeps_the_containers_processes(command):
    pid = os.getpid()
    status, out, _ = command("ps", "web1", "-o", "pid,comm", "-p", str(pid))
    assert status == 0
    assert out.split() == ["PID", "COMMAND"]  # neither 7 nor 9 is this process


def test_ps_lines_are_chosen_by_the_pid_column():
    text = "USER  PID CMD\nroot    7 9\nroot    8 7\nroot    9 x\n\n"
    assert only(text, [7, 9]) == "USER  PID CMD\nroot    7 9\nroot    9 x\n"
    with pytest.raises(Exception, match="no PID column"):
        only("CMD\nsh\n", [7])


def test_ps_says_what_ps_complains_of(command):
    status, _, err = command("ps", "web1", "--no-such-option")
    assert status == 1
    assert "rung-runtime: ps --no-such-option: exit status" in err


def test_update_from_flags(command, library):
    words = "--memory 64m --memory-swap -1 --cpu-quota 5000 --cpu-share=512 --cpuset-cpus 0-1 --pids-limit 7"
    assert command("update", *words.split(), "--blkio-weight", "300", "web1") == QUIET
    assert library.calls == [
        (
            "update",
            {
                "cpu": {"shares": 512, "quota": 5000, "cpus": "0-1"},
                "memory": {"limit": 64 << 20, "swap": -1},
                "blockIO": {"weight": 300},
                "pids": {"limit": 7},
            },
            [],
        )
    ]


def test_update_from_a_file(command, library, tmp_path):
    file = tmp_path / "resources.json"
    file.write_text('{"pids": {"limit": 9}}')
    assert command("update", "-r", str(file), "--memory", "1", "web1") == QUIET
    assert library.calls == [("update", {"pids": {"limit": 9}}, [])]
    file.write_text("{")
    assert "is not JSON" in command("update", "-r", str(file), "web1")[2]
    file.write_text("[]")
    assert "must be a JSON object" in command("update", "-r", str(file), "web1")[2]
    assert f"{tmp_path}/none: No such file" in command("update", "-r", f"{tmp_path}/none", "web1")[2]


def test_update_of_a_share_of_caches_and_memory_bandwidth(command, library):
    assert command("update", "--mem-bw-schema", "MB:0=20", "--l3-cache-schema", "L3:0=7f;1=3", "web1") == QUIET
    assert library.calls == [("update", {}, ["L3:0=7f;1=3", "MB:0=20"])]


def test_update_says_which_flag_is_wrong(command, library):
    assert 'use --memory: "lots" is no value for it' in command("update", "--memory", "lots", "web1")[2]
    assert "--cpu-quota" in command("update", "--cpu-quota", "1.5", "web1")[2]
    assert 'begins with "L3:"' in command("update", "--l3-cache-schema", "MB:0=f", "web1")[2]
    assert 'begins with "MB:"' in command("update", "--mem-bw-schema", "MB:0=1\nL3:0=1", "web1")[2]
    assert library.calls == []
    assert "is ignored" in command("update", "--kernel-memory", "1m", "web1")[2]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("1k", 1024),
        ("2KB", 2048),
        ("3MiB", 3 << 20),
        ("1.5g", 3 << 29),
        ("1 t", 1 << 40),
        ("7b", 7),
        ("-1", -1),
    ],
)
def test_sizes(text, size):
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "k", "-2", "1x", "1kk", "m1", "1ib b", "0x10"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError):  # noqa: PT011
        size_bytes(text)


def test_events_once(command):
    assert command("events", "--stats", "web1") == (
        0,
        '{"type":"stats","id":"web1","data":{"pids":{"current":1}}}\n',
        "",
    )


def test_events_end_with_the_container(command, library):
    library.kills = [1, 2]
    status, out, _ = command("events", "--interval", "1h", "web1")
    assert (status, out) == (0, '{"type":"oom","id":"web1"}\n' * 2)
    assert command("events", "--interval", "0", "web1")[0] == 1


def test_events_tell_when_watching_fails(command, library):
    def watch():
        yield 1
        raise RuntimeFailure("watch", "memory cgroup", "it is gone")

    library.kills = watch()
    status, out, err = command("events", "--interval=1h", "web1")
    assert (status, out.count("\n")) == (1, 1)
    assert err == "rung-runtime: watch memory cgroup: it is gone\n"


def test_spec_is_written_once(command, tmp_path):
    assert command("spec", "--bundle", str(tmp_path)) == QUIET
    text = (tmp_path / "config.json").read_text()
    assert text.startswith('{\n\t"ociVersion": "1.3.0",\n\t"process": {\n\t\t"terminal": true,')
    status, _, err = command("spec", "-b", str(tmp_path))
    assert (status, "exists already" in err) == (1, True)
    assert (tmp_path / "config.json").read_text() == text


def test_spec_for_this_user(command, tmp_path):
    assert command("spec", "--rootless", "-b", str(tmp_path)) == QUIET
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]


def test_features_are_a_document_with_what_engines_look_for(command):
    status, out, _ = command("features")
    found = json.loads(out)
    assert (status, found["ociVersionMin"]) == (0, "1.0.0")
    assert "bind" in found["mountOptions"]
    linux = found["linux"]
    assert set(linux["seccomp"]["actions"]) == set(ENUMS["seccomp action"])
    assert set(linux["seccomp"]["archs"]) == set(ENUMS["seccomp architecture"])
    assert set(linux["memoryPolicy"]["modes"]) == set(ENUMS["memory policy mode"])
    assert all(linux["intelRdt"].values())
    for word in ("systemd", "systemdUser", "v1", "v2", "rdma"):
        assert linux["cgroup"][word] is True, word
    assert linux["netDevices"]["enabled"] and linux["mountExtensions"]["idmap"]["enabled"]
    assert found["annotations"]["org.opencontainers.runc.checkpoint.enabled"] == "true"
    assert "run.oci." in found["potentiallyUnsafeConfigAnnotations"]


@pytest.mark.parametrize("detached", [True, False])
def test_a_pidfd_is_sent(command, library, tmp_path, monkeypatch, detached):
    monkeypatch.setattr("rung.runtime.foreground.Foreground.stay", lambda _self, _process: 5)
    monkeypatch.setattr("rung.posix.pidfd_open", lambda _pid: os.open("/dev/null", os.O_RDONLY))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        words = ["--pidfd-socket", str(tmp_path / "s"), *(["-d"] if detached else [])]
        assert command("exec", *words, "web1", "ls")[0] == (0 if detached else 5)
        connection, _ = server.accept()
        with connection:
            _, [fd], _, _ = socket.recv_fds(connection, 16, 1)
    assert os.readlink(f"/proc/self/fd/{fd}") == "/dev/null"
    os.close(fd)


@pytest.mark.parametrize("words", [["create"], ["run", "-d"]], ids=str)
def test_a_pidfd_is_sent_where_crun_annotation_says(command, library, tmp_path, monkeypatch, words):
    monkeypatch.setattr("rung.posix.pidfd_open", lambda _pid: os.open("/dev/null", os.O_RDONLY))
    library.annotations["run.oci.pidfd_receiver"] = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert command(*words, "web2") == QUIET
        connection, _ = server.accept()
        with connection:
            _, [fd], _, _ = socket.recv_fds(connection, 16, 1)
    os.close(fd)


def test_a_container_whose_pidfd_cannot_be_sent_is_deleted(command, library, tmp_path, monkeypatch):
    monkeypatch.setattr("rung.posix.pidfd_open", lambda _pid: os.open("/dev/null", os.O_RDONLY))
    status, _, err = command("create", "--pidfd-socket", f"{tmp_path}/none", "web2")
    assert status == 1
    assert err == f'rung-runtime: send the pidfd to "{tmp_path}/none": No such file or directory\n'
    assert library.calls[-1] == ("delete", ("force", True))


def test_exec_detached(command, library):
    assert command("exec", "-d", "--pid-file", "/run/p", "--ignore-paused", "web1", "ls", "-l") == QUIET
    [(_, process, options)] = library.calls
    assert process["args"] == ["ls", "-l"]
    assert options == ExecOptions(pid_file="/run/p", ignore_paused=True)


def test_exec_that_cannot_run_ends_with_255(command, library):
    library.failures["exec"] = RuntimeFailure("exec", '"nosuch"', "executable file not found in $PATH")
    status, _, err = command("exec", "-d", "web1", "nosuch")
    assert (status, err) == (255, 'rung-runtime: exec "nosuch": executable file not found in $PATH\n')
    assert command("exec", "none", "ls")[0] == 255
    assert command("exec", "web1")[0] == 255


def test_exec_in_a_cgroup_below(command, library):
    assert command("exec", "-d", "--cgroup", "memory:sub", "web1", "ls") == QUIET
    ((_, _, options),) = library.calls
    assert options.cgroups == {"memory": "sub"}


def test_run_detached(command, library):
    assert command("run", "-d", "-b", "/bundle", "web2") == QUIET
    assert [name for name, *_ in library.calls] == ["create", "start"]


@pytest.mark.parametrize(("keep", "after"), [(False, [("delete", ("force", True))]), (True, [])])
def test_run_stays_and_deletes_unless_told_to_keep(command, library, monkeypatch, tmp_path, keep, after):
    monkeypatch.setattr("rung.runtime.foreground.Foreground.stay", lambda _self, _process: 3)
    words = ["run", "--bundle", str(tmp_path), "web2"] + ["--keep"] * keep
    assert command(*words) == (3, "", "")
    assert library.calls[1:] == [("start",), *after]
    assert library.calls[0][3]["console_fd"] == -1


def test_run_deletes_what_does_not_start(command, library):
    library.failures["start"] = RuntimeFailure("start", "web2", "no")
    assert command("run", "-d", "web2") == (1, "", "rung-runtime: start web2: no\n")
    assert library.calls[-1] == ("delete", ("force", True))


def test_run_joins_a_terminal_where_the_configuration_wants_one(command, library, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "rung.runtime.foreground.Foreground.receive_console", lambda _self: library.calls.append(("receive",))
    )
    monkeypatch.setattr("rung.runtime.foreground.Foreground.stay", lambda _self, _process: 0)
    (tmp_path / "config.json").write_text('{"process": {"terminal": true}}')
    assert command("run", "-b", str(tmp_path), "web2") == QUIET
    assert [name for name, *_ in library.calls] == ["create", "receive", "start", "delete"]
    assert library.calls[0][3]["console_fd"] >= 0
    status, _, err = command("run", "-b", str(tmp_path), "--console-socket", "/s", "web2")
    assert (status, "it goes with --detach only" in err) == (1, True)


def test_checkpoint_hands_its_flags_to_the_library(command, library):
    from rung.runtime.checkpoint.options import CheckpointOptions

    words = "--image-path /i --work-path /w --leave-running --tcp-established --parent-path ../p --page-server [::1]:99"
    assert command("checkpoint", *words.split(), "--manage-cgroups-mode", "ignore", "web1") == QUIET
    options = CheckpointOptions(
        "/i",
        work_path="/w",
        leave_running=True,
        tcp_established=True,
        parent_path="../p",
        page_server=("::1", 99),
        manage_cgroups_mode="ignore",
    )
    assert library.calls == [("require", "checkpoint"), ("checkpoint", options)]


def test_restore_in_the_background_hands_its_flags_to_the_library(command, library, monkeypatch, tmp_path):
    from rung.runtime.checkpoint.options import RestoreOptions

    monkeypatch.chdir(tmp_path)
    words = "-d -b /b --console-socket /s --pid-file p --lsm-profile a:b --tcp-close --no-pivot --no-subreaper"
    assert command("restore", *words.split(), "web2") == QUIET
    options = RestoreOptions(
        str(tmp_path / "checkpoint"),
        console_socket="/s",
        pid_file=str(tmp_path / "p"),
        lsm_profile="a:b",
        tcp_close=True,
    )
    assert library.calls == [("restore", "web2", "/b", options)]


@pytest.mark.parametrize("name", ["checkpoint", "restore"])
@pytest.mark.parametrize(
    "words", ["--empty-ns pid", "--manage-cgroups-mode x", "--network-lock x", "--image-path"], ids=str
)
def test_checkpoint_and_restore_refuse_what_means_nothing(command, library, name, words):
    status, out, _ = command(name, "web1", *words.split())
    assert status == 1 and out.startswith("Incorrect Usage: ")
    assert [call for call in library.calls if call[0] != "require"] == []
