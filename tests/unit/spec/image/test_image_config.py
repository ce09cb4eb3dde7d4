"""Image configurations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imageparts import Parts, archive
from rung import jsonc
from rung.spec.errors import SpecError
from rung.spec.image import parse_config

RUNNING = {
    "User": "1000:100",
    "Env": ["A=1", "B="],
    "Entrypoint": ["/entry"],
    "Cmd": ["a", "b"],
    "WorkingDir": "/work",
    "Volumes": {"/data": {}},
    "ExposedPorts": {"80/tcp": {}},
    "Labels": {"k": "v"},
    "StopSignal": "SIGINT",
    "Healthcheck": {"Test": ["CMD", "true"]},
}


def test_reads_every_field_and_writes_it_back() -> None:
    config = parse_config(Parts([archive()], config=RUNNING).config)
    assert config.user == "1000:100"
    assert config.env == ("A=1", "B=")
    assert config.entrypoint == ("/entry",) and config.cmd == ("a", "b")
    assert (config.working_dir, config.stop_signal) == ("/work", "SIGINT")
    assert config.volumes == ("/data",) and config.exposed_ports == ("80/tcp",)
    assert dict(config.labels) == {"k": "v"}
    assert config.healthcheck == {"Test": ["CMD", "true"]}
    assert parse_config(jsonc.dumps(config.to_json()).encode()) == config


def test_null_is_absent_as_docker_writes_it() -> None:
    nothing = dict.fromkeys(RUNNING)
    config = parse_config(Parts([archive()], config={**nothing, "Cmd": None}).config)
    assert config.cmd == () and config.env == () and config.volumes == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"os": None}, "os"),
        ({"architecture": 5}, "architecture"),
        ({"rootfs": None}, "rootfs"),
        ({"rootfs": {"type": "tree", "diff_ids": []}}, "rootfs.type"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, "rootfs.diff_ids[0]"),
        ({"config": {"Env": "A=1"}}, "config.Env"),
        ({"config": {"Cmd": [1]}}, "config.Cmd[0]"),
        ({"config": {"Labels": {"a": 1}}}, "config.Labels.a"),
        ({"config": []}, "config"),
        ({"history": [3]}, "history[0]"),
    ],
)
def test_names_the_broken_field(change: dict[str, Any], field: str) -> None:
    document = {**json.loads(Parts([archive()]).config), **change}
    with pytest.raises(SpecError) as caught:
        parse_config(json.dumps(document).encode())
    assert caught.value.field == field


def test_what_it_was_committed_from_is_kept() -> None:
    """docker's first format's ``parent``, which ``image inspect`` shows."""
    made = {"os": "linux", "architecture": "amd64", "parent": "sha256:" + "a" * 64, "rootfs": {"type": "layers", "diff_ids": []}}
    assert parse_config(json.dumps(made).encode()).to_json()["parent"] == made["parent"]
