"""The shim's command line and what start decides, without starting anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rung.errors import RungError
from rung.shim.program.main import Arguments, parse
from rung.shim.program.start import group, socket_path
from rung.shim.settings import recall, remember, settings
from rung.spec.shim.bootstrap import BootstrapParams, Options


def test_flags_are_gos() -> None:
    words = ["-namespace", "ns", "--id=c1", "-debug", "-address", "/a.sock", "-publish-binary", "/bin/c", "start"]
    assert parse(words) == Arguments("start", address="/a.sock", debug=True, id="c1", namespace="ns")
    assert parse(["-debug=false", "-v"]) == Arguments(version=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["-nope"], "flag -nope: is not known"), (["-id"], "flag -id: needs a value"), (["start", "delete"], "more than one")],
)
def test_flags_that_are_wrong(words: list[str], said: str) -> None:
    with pytest.raises(RungError, match=said):
        parse(words)


def test_a_pods_containers_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"annotations": {"io.kubernetes.cri.sandbox-id": "pod"}}))
    assert group(str(tmp_path), "c1") == "pod"
    (tmp_path / "config.json").write_text("{}")
    assert group(str(tmp_path), "c1") == "c1"


def test_a_sockets_path_is_short_and_ones_own(tmp_path: Path) -> None:
    arguments = Arguments(namespace="ns", address="/run/c.sock")
    parameters = BootstrapParams(socket_dir=str(tmp_path))
    found = socket_path(arguments, parameters, "pod")
    assert found.startswith(f"{tmp_path}/")
    assert len(Path(found).name) == 64
    assert socket_path(arguments, parameters, "other") != found
    assert socket_path(arguments.replace(namespace="x"), parameters, "pod") != found


def test_settings_are_remembered_in_the_bundle(tmp_path: Path) -> None:
    used = settings(Options(root="/run/r", systemd_cgroup=True, binary_name="/usr/bin/other"), "ns")
    assert (used.root, used.program, used.systemd_cgroup) == ("/run/r/ns", "/usr/bin/other", True)
    remember(str(tmp_path), used)
    assert recall(str(tmp_path)) == used
    (tmp_path / "rung-shim.json").write_text("{")
    assert recall(str(tmp_path)) is None


def test_rungs_own_runtime_is_no_program() -> None:
    assert settings(Options(binary_name="/x/rung-runtime"), "ns").program == ""
    with pytest.raises(RungError, match="no-such-runtime.*is not in PATH"):
        settings(Options(binary_name="no-such-runtime"), "ns")
