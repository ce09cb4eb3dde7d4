"""From a command line to an exit status."""

import json
import os
import re
import sys

import pytest

from rung import __version__
from rung.errors import RungError
from rung.runtime.cli import main
from rung.runtime.cli.main import COMMANDS, execute, load, state_root


def test_help_shows_every_command_and_needs_no_library(capfd):
    for words in ([], ["help"], ["-h"], ["--help"]):
        assert execute(words) == 0
        out = capfd.readouterr().out
        assert all(f"   {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_its_flags(name, capfd):
    assert execute([name, "--help"]) == 0
    asked_after = capfd.readouterr().out
    assert execute(["help", name]) == 0
    assert capfd.readouterr().out == asked_after
    assert "EXAMPLE:\n   # rung-runtime " in asked_after
    shown = [flag for flag in load(name).COMMAND.flags if not flag.hidden]
    assert all(f"--{flag.names[0]}" in asked_after and flag.help in asked_after for flag in shown)


def test_the_version_reads_as_dockerd_reads_it(capfd):
    """daemon/info_unix.go: the line with ``version`` in it: the name before, the number after."""
    assert execute(["--version"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if "version" in line] == lines[:1]
    assert lines[0].split("version")[0].strip() == "rung-runtime"
    assert lines[0].split("version")[1].strip()[0].isdigit()
    assert lines[1] == f"commit: v{__version__}"
    assert lines[2] == "spec: 1.3.0"
    assert lines[4].startswith("+SYSTEMD ")  # what crun says it is built with, in its words


def test_help_and_version_show_the_name_that_the_program_was_called_by(capfd, monkeypatch):
    monkeypatch.setitem(sys._xoptions, "rung_name", "runc")
    assert execute(["--version"]) == 0
    assert capfd.readouterr().out.startswith(f"runc version {__version__}\n")
    assert execute(["--help"]) == 0
    assert capfd.readouterr().out.startswith("NAME:\n   runc - Open Container Initiative runtime\n")
    assert execute(["state", "-h"]) == 0
    assert "USAGE:\n   runc state" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--bogus", "state"], "flag provided but not defined: -bogus"),
        (["state", "--bogus", "x"], "flag provided but not defined: -bogus"),
        (["state"], '"state" requires exactly 1 argument(s)'),
        (["exec"], '"exec" requires a minimum of 1 argument(s)'),
        (["--rootless", "perhaps", "state", "x"], 'invalid value "perhaps" for flag -rootless'),
    ],
)
def test_a_wrong_command_line_shows_the_usage_and_ends_with_1(command, words, sentence):
    status, out, err = command(*words)
    assert status == 1
    assert out.startswith(f"Incorrect Usage: {sentence}")
    assert "USAGE:\n   rung-runtime" in out
    assert err.startswith(f"rung-runtime: {sentence}")
    assert err.count("\n") == 1


def test_an_unknown_command(command):
    status, out, err = command("bogus")
    assert (status, out) == (1, "")
    assert err == 'rung-runtime: unknown command "bogus" (see rung-runtime --help)\n'


def test_an_error_is_one_sentence_and_the_logs_last_line(command, tmp_path):
    log = tmp_path / "log.json"
    status, out, err = command("--log", str(log), "--log-format=json", "state", "none")
    assert (status, out, err) == (1, "", 'rung-runtime: container "none": does not exist\n')
    entry = json.loads(log.read_text())
    assert (entry["level"], entry["msg"]) == ("error", 'container "none": does not exist')


def test_a_log_that_cannot_be_written_is_an_error(command, tmp_path):
    status, _, err = command("--log", str(tmp_path / "no" / "log"), "state", "web1")
    assert status == 1
    assert "open log" in err


def test_an_operating_system_error_names_the_file(command, library):
    library.failures["start"] = FileNotFoundError(2, "No such file or directory", "/gone")
    assert command("start", "web1") == (1, "", "rung-runtime: /gone: No such file or directory\n")


def test_debug_shows_where_an_error_comes_from(command, library):
    library.failures["start"] = RungError("start", "web1", "no")
    _, _, err = command("--debug", "start", "web1")
    assert "rung-runtime: start web1: no\n" in err
    assert "Traceback" in err


def test_debug_without_a_log_writes_logruss_lines_on_stderr(command):
    err = command("--debug", "start", "web1")[2]
    assert re.match(r'time="[^"]+" level=debug msg="start web1"\n', err)
    err = command("--debug", "--log-format=json", "start", "web1")[2]
    assert json.loads(err.splitlines()[0])["level"] == "debug"


@pytest.mark.parametrize("words", [("create", "-b", "/b", "web2"), ("exec", "--detach", "web1", "true")])
def test_debug_shows_what_rung_init_does(command, tmp_path, words):
    quiet, log = tmp_path / "quiet", tmp_path / "log"
    assert command("--log", str(quiet), *words)[0] == 0
    assert quiet.read_text() == ""
    assert command("--debug", "--log", str(log), *words)[0] == 0
    assert 'level=debug msg="nsexec container setup"' in log.read_text()


def test_debug_says_what_is_done_in_the_log(command, tmp_path):
    log = tmp_path / "log"
    assert command("--debug", "--log", str(log), "start", "web1") == (0, "", "")
    assert 'level=debug msg="start web1"' in log.read_text()
    assert command("--log", str(tmp_path / "quiet"), "start", "web1") == (0, "", "")
    assert (tmp_path / "quiet").read_text() == ""


def test_a_bug_is_logged_too_and_shows_itself(command, library, tmp_path):
    library.failures["start"] = ZeroDivisionError("oops")
    with pytest.raises(ZeroDivisionError):
        command("--log", str(tmp_path / "log"), "start", "web1")
    assert 'msg="a bug in rung-runtime: ZeroDivisionError: oops"' in (tmp_path / "log").read_text()


def test_an_interrupt_ends_with_130(command, library):
    library.failures["start"] = KeyboardInterrupt()
    assert command("start", "web1")[0] == 130


def test_global_options_reach_the_library(command, library, tmp_path):
    command(
        "--root", f"{tmp_path}/a/../b", "--systemd-cgroup", "--rootless=true", "--criu", "x", "start", "web1"
    )
    assert library.root == f"{tmp_path}/b"
    assert library.made_with == {"cgroup_manager": "systemd", "rootless": True}
    command("start", "web1")
    assert library.made_with == {"cgroup_manager": "cgroupfs", "rootless": None}


def test_the_librarys_notes_become_warnings(command, library):
    library.calls.clear()
    command("start", "web1")
    library.notes("oom_score_adj was clamped")
    assert command("start", "web1")[2] == "rung-runtime: warning: oom_score_adj was clamped\n"


def test_the_state_cannot_lie_in_the_root_directory():
    with pytest.raises(RungError, match="cannot lie in /"):
        state_root("/tmp/..")


def test_where_the_state_lies_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert state_root(None) == "/run/rung/runtime"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(main, "_is_unprivileged", lambda: False)
    assert state_root(None) == "/run/rung/runtime"
    monkeypatch.setattr(main, "_is_unprivileged", lambda: True)
    assert state_root(None) == f"{tmp_path}/rung/runtime"
    assert os.stat(f"{tmp_path}/rung/runtime").st_mode & 0o7777 == 0o1700
