"""``containerd-shim-rung-v2 -info``: a ``RuntimeInfo`` whatever its standard input is."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

from rung import __version__
from rung.runtime import features
from rung.spec.shim.bootstrap import OPTIONS_NAME, Options, RuntimeInfo
from rung.spec.shim.common import Anything


@pytest.fixture(scope="module")
def shim_bin(runtime_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("shim") / "containerd-shim-rung-v2"
    shutil.copy(runtime_bin, program)
    return program


def info(shim_bin: Path, **standard_input: object) -> RuntimeInfo:
    ran = subprocess.run([shim_bin, "-info"], capture_output=True, check=False, timeout=60, **standard_input)  # type: ignore[call-overload]
    assert (ran.returncode, ran.stderr) == (0, b"")
    return RuntimeInfo.decode(ran.stdout)


def options(**fields: object) -> bytes:
    return Anything(type_url=OPTIONS_NAME, value=Options(**fields).encode()).encode()


def check_own(found: RuntimeInfo) -> None:
    assert found.version is not None
    assert (found.name, found.version.version) == ("io.containerd.rung.v2", __version__)
    assert found.features is not None
    assert found.features.type_url == "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
    assert json.loads(found.features.value) == features()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(b"", id="empty"),
        pytest.param(options(), id="options without a value"),
        pytest.param(bytes(range(256)) * 40, id="garbage"),
        pytest.param(b"\x0a\x05\xff\xfe\xfd\xfc\xfb", id="a type that is no text"),
        pytest.param(
            Anything(type_url="example.com/Other", value=b"\xff").encode(), id="options of another runtime"
        ),
    ],
)
def test_what_standard_input_holds(shim_bin: Path, given: bytes) -> None:
    found = info(shim_bin, input=given)
    check_own(found)
    assert found.options is None


def test_closed_standard_input(shim_bin: Path) -> None:
    check_own(info(shim_bin, stdin=subprocess.DEVNULL, preexec_fn=lambda: os.close(0)))


def test_a_terminal_as_standard_input(shim_bin: Path) -> None:
    """Nobody types there: the answer must come without waiting for an end of input."""
    master, slave = pty.openpty()
    try:
        check_own(info(shim_bin, stdin=slave))
    finally:
        os.close(master)
        os.close(slave)


def test_the_options_are_given_back(shim_bin: Path) -> None:
    found = info(shim_bin, input=options(systemd_cgroup=True, root="/run/r"))
    check_own(found)
    assert found.options is not None
    assert found.options.type_url == OPTIONS_NAME
    assert Options.decode(found.options.value) == Options(systemd_cgroup=True, root="/run/r")


def test_features_of_the_runtime_that_the_options_name(shim_bin: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text('#!/bin/sh\n[ "$1" = features ] && echo \'{"ociVersionMax": "9.9.9"}\'\n')
    other.chmod(0o755)
    found = info(shim_bin, input=options(binary_name=str(other)))
    assert found.features is not None
    assert json.loads(found.features.value) == {"ociVersionMax": "9.9.9"}


def test_a_runtime_without_features(shim_bin: Path) -> None:
    assert info(shim_bin, input=options(binary_name="/bin/false")).features is None


def test_a_runtime_that_is_not_installed(shim_bin: Path) -> None:
    given = options(binary_name="no-such-runtime")
    ran = subprocess.run([shim_bin, "-info"], input=given, capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr.decode().endswith(
        ': runtime "no-such-runtime": is not in PATH (install it, or give its path as BinaryName)\n'
    )
