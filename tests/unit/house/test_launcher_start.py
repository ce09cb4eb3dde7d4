"""containerd's shim, ``start``: what the launcher answers by itself is what Python would, and the rest is left to Python.

In the installation under test Python says that it was started: on standard output, and in the bundle with its words.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import native
from rung.shim.program.main import Arguments, parse
from rung.shim.program.start import GROUP_LABELS, group, socket_path
from rung.spec.shim.bootstrap import BootstrapParams, BootstrapResult, Extension, Options
from rung.spec.shim.common import Anything
from unit.house.test_launcher import Installation

PYTHON = b"python"
BOOT = f"""
import json, sys
data = sys.stdin.buffer.read()
with open("begun.new", "w") as out:
    json.dump([sys.argv[1:], len(data)], out)
import os
os.rename("begun.new", "begun")
print({PYTHON.decode()!r}, end="")
"""
DEADLINE_S = 30


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """containerd's shim, with a Python that only writes down how it was begun."""
    installation = Installation(tmp_path_factory.mktemp("prefix"))
    home = installation.package()
    installation.interpreter()
    (home / "rung/runtime/boot.py").write_text(BOOT)
    return native.compile_launcher(installation.prefix / "bin/containerd-shim-rung-v2")


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A short path, as a socket's has 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="rs-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def parameters(sockets: Path, **more: Any) -> BootstrapParams:
    """As containerd gives them from 2.3 on."""
    own = {"instance_id": "one", "namespace": "ns", "socket_dir": str(sockets), "containerd_grpc_address": "/c.sock"}
    return BootstrapParams(**{**own, **more})


def start(shim: Path, bundle: Path, given: bytes, config: object = None, *words: str) -> bytes:
    """What ``start`` prints."""
    text = config if isinstance(config, str) else json.dumps(config or {})
    (bundle / "config.json").write_text(text)
    line: list[str | Path] = [shim, "-namespace", "ns", "-id", "one", "-publish-binary", "/b", *words, "start"]
    return subprocess.run(line, input=given, capture_output=True, cwd=bundle, timeout=60, check=True).stdout


def begun(bundle: Path) -> tuple[list[str], int]:
    """The words that Python was begun with, and how much there was to read."""
    deadline = time.monotonic() + DEADLINE_S
    while not (bundle / "begun").exists():
        assert time.monotonic() < deadline, "Python was not begun"
        time.sleep(0.01)
    words, size = json.loads((bundle / "begun").read_text())
    return words, size


POD, OTHER = ({label: f"pod-{number}"} for number, label in enumerate(GROUP_LABELS))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"annotations": {}},
        {"annotations": POD},
        {"annotations": {"first": "with {braces} and \"marks\" <&>", **OTHER}},
        {"annotations": {**OTHER, **POD}},
        {"annotations": {GROUP_LABELS[0]: "", **OTHER}},
        {"process": {"args": ["\"annotations\": {", *GROUP_LABELS]}},
        '{"annotations" :\n{"x" : "a\\u003cb" , "io.kubernetes.cri.sandbox-id"\t:"p"} }',
    ],
)
def test_the_address_is_the_one_that_python_would_give(shim: Path, tmp_path: Path, sockets: Path, config: object) -> None:
    given = parameters(sockets, containerd_ttrpc_address="/c.ttrpc")
    answer = BootstrapResult.decode(start(shim, tmp_path, given.encode(), config))
    expected = socket_path(Arguments(id="one", namespace="ns"), given, group(str(tmp_path), "one"))
    assert (answer.version, answer.address, answer.protocol) == (3, f"unix://{expected}", "ttrpc")
    assert (tmp_path / "address").read_text() == answer.address
    words, _ = begun(tmp_path)
    found = parse(words[1:])
    assert words[0] == "--shim" and found.action == "serve" and found.listening.isdecimal()
    assert (found.socket, found.events, found.namespace, found.id) == (expected, "/c.ttrpc", "ns", "one")


def test_its_own_words_name_containerd_first(shim: Path, tmp_path: Path, sockets: Path) -> None:
    given = parameters(sockets)
    answer = BootstrapResult.decode(start(shim, tmp_path, given.encode(), None, "-address", "/other.sock"))
    arguments = Arguments(id="one", namespace="ns", address="/other.sock")
    assert answer.address == f"unix://{socket_path(arguments, given, 'one')}"
    assert "-events" not in begun(tmp_path)[0]


def test_a_socket_that_answers_is_told_and_nothing_begun(shim: Path, tmp_path: Path, sockets: Path) -> None:
    path = socket_path(Arguments(id="one", namespace="ns"), parameters(sockets), "one")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        answer = BootstrapResult.decode(start(shim, tmp_path, parameters(sockets).encode()))
        assert answer.address == f"unix://{path}"
        listening.settimeout(DEADLINE_S)
        listening.accept()[0].close()
    assert not (tmp_path / "begun").exists()
    # a dead one's socket is in nobody's way
    BootstrapResult.decode(start(shim, tmp_path, parameters(sockets).encode()))
    assert begun(tmp_path)[0][-1] == "serve"


def options(**given: Any) -> Anything:
    return Anything(type_url="type.url/containerd.runc.v1.Options", value=Options(**given).encode())


def test_options_without_a_cgroup_are_nothing_to_it(shim: Path, tmp_path: Path, sockets: Path) -> None:
    given = parameters(sockets, extensions=[Extension(value=options(root="/r", systemd_cgroup=True))])
    assert BootstrapResult.decode(start(shim, tmp_path, given.encode())).version == 3


@pytest.mark.parametrize(
    "given",
    [
        options(shim_cgroup="/x").encode(),
        parameters(Path("/tmp"), extensions=[Extension(value=options(shim_cgroup="/x"))]).encode(),
        parameters(Path("relative")).encode(),
        parameters(Path("/tmp/with blanks")).encode(),
        b"\xff\xff",
        b"\x0a\x7fshort",
        parameters(Path("/tmp")).encode() + b"\x3a\x80\x80\x08" + b"x" * (1 << 17),
    ],
)
def test_what_is_not_plain_is_pythons_who_can_read_it(shim: Path, tmp_path: Path, given: bytes) -> None:
    assert start(shim, tmp_path, given) == PYTHON
    words, size = begun(tmp_path)
    assert words[-1] == "start" and size == len(given)


@pytest.mark.parametrize(
    "config",
    [
        "[]",
        '{"annotations": {"a": 1}}',
        '{"annotations": {"io.kubernetes.cri.sandbox-id": "with \\"marks\\""}}',
        '{"annotations": {"io\\u002ekubernetes.cri.sandbox-id": "p"}}',
        '{"annotations": null}',
        '{"annotations": {}, "more": {"annotations": {"io.kubernetes.cri.sandbox-id": "p"}}}',
        '{"annotations": {"io.kubernetes.cri.sandbox-id": "p"',
    ],
)
def test_annotations_that_are_not_plain_are_pythons(shim: Path, tmp_path: Path, sockets: Path, config: str) -> None:
    assert start(shim, tmp_path, parameters(sockets).encode(), config) == PYTHON
    assert not list(sockets.iterdir())


def test_without_a_configuration_it_is_pythons_to_say_so(shim: Path, tmp_path: Path, sockets: Path) -> None:
    line: list[str | Path] = [shim, "-namespace", "ns", "-id", "one", "start"]
    run = subprocess.run(line, input=parameters(sockets).encode(), capture_output=True, cwd=tmp_path, timeout=60)
    assert run.stdout == PYTHON
