"""What the daemon is told: flags and daemon.json, and what it refuses to be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rung.cli.daemon import add_flags, given
from rung.cli.parser import Parser
from rung.engine.errors import EngineError
from rung.engine.serving.file import read_file
from rung.engine.serving.options import OPTIONS
from rung.engine.serving.settings import Settings, idle, reloaded, settings


def flags(*words: str) -> dict[str, Any]:
    parser = Parser(prog="rungd")
    add_flags(parser)
    return given(parser.parse_args(list(words)))


def test_every_option_has_its_field() -> None:
    assert {one.field for one in OPTIONS if one.field} == set(Settings.fields)
    assert len({one.key for one in OPTIONS}) == len(OPTIONS)


def test_flags_and_file_become_one() -> None:
    found = settings(
        flags("-H", "unix:///a", "--host", "fd://", "--debug", "--log-opt", "max-size=1m", "--add-runtime", "x=/bin/x"),
        {"data-root": "/data", "ipv6": True, "labels": ["a=b"], "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}]},
    )
    assert found.hosts == ("unix:///a", "fd://")
    assert (found.debug, found.data, found.ipv6, found.labels) == (True, "/data", True, ("a=b",))
    assert found.log_opts == {"max-size": "1m"}
    assert found.runtimes == {"x": {"path": "/bin/x"}}
    assert found.pools == ({"base": "10.0.0.0/8", "size": 24},)


def test_the_default_socket_is_below_the_run_directory() -> None:
    assert settings(flags("--run-root", "/r"), {}).listens_on == ("unix:///r/rung.sock",)


def test_pools_by_flag() -> None:
    assert flags("--default-address-pool", "base=10.0.0.0/8,size=24") == {
        "default-address-pools": ({"base": "10.0.0.0/8", "size": 24},)
    }


@pytest.mark.parametrize(
    ("words", "document", "said"),
    [
        ((), {"debgu": True}, "there is no option debgu"),
        (("--debug",), {"debug": False}, "said on the command line as well: debug (flag: true, file: false)"),
        ((), {"debug": "yes"}, "debug must be true or false"),
        ((), {"mtu": True}, "mtu must be a number"),
        ((), {"hosts": "unix:///x"}, "hosts must be a list of strings"),
        ((), {"log-opts": {"max-size": 3}}, "log-opts must be an object of strings"),
        ((), {"log-driver": "syslog"}, "log-driver syslog: there is none of that name"),
        ((), {"labels": ["x"]}, "label x: it must be KEY=VALUE"),
        ((), {"runtimes": {"x": {}}}, 'runtime x: it needs a "path"'),
        (("-H", "tcp://127.0.0.1:1"), {}, "plain TCP is not served"),
        (("-H", "/run/x"), {}, "it must begin with unix://"),
        (("--tls",), {}, "--tls alone lets anybody in"),
        (("--tlsverify", "--tlscacert", "x", "--tlscert", "y"), {}, "--tlsverify needs --tlskey"),
    ],
)
def test_what_is_refused_in_one_sentence(words: tuple[str, ...], document: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        settings(flags(*words), document)
    assert said in str(caught.value)


def test_what_changes_nothing_is_known() -> None:
    assert idle({"live-restore": False, "debug": True, "userland-proxy": True}) == ["live-restore", "userland-proxy"]


def test_a_reload_takes_what_a_daemon_can_change_while_it_runs() -> None:
    before = settings({}, {"labels": ["a=1"], "data-root": "/a", "insecure-registries": ["x:1"]})
    after = reloaded(before, {"labels": ["a=2"], "data-root": "/b", "debug": True}, {}, "daemon.json")
    assert (after.labels, after.debug, after.insecure_registries) == (("a=2",), True, ())
    assert after.data == "/a", "where it lives stays"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "this is no JSON"), ("[]", "it must be one JSON object"), ("\xff", "this is no JSON")],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "daemon.json").write_text(text, encoding="latin-1")
    with pytest.raises(EngineError, match=said):
        read_file(str(tmp_path / "daemon.json"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "daemon.json")
    assert read_file(path) == {}
    with pytest.raises(EngineError, match="no such file"):
        read_file(path, needed=True)
    Path(path).write_text(json.dumps({"debug": True}))
    assert read_file(path) == {"debug": True}
