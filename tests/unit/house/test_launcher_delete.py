"""containerd's shim, ``delete``: what the launcher answers by itself, and what it leaves to Python.

In the installation under test Python only says that it was started.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

import native
from rung.shim.program.delete import delete
from rung.shim.program.main import Arguments
from rung.shim.runtimes import Settings
from rung.shim.settings import FILE, remember
from rung.spec.shim.common import DeleteResponse
from unit.house.test_launcher import Installation

PYTHON = b"python"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """containerd's shim, with a Python that does nothing."""
    installation = Installation(tmp_path_factory.mktemp("prefix"))
    home = installation.package()
    installation.interpreter()
    (home / "rung/runtime/boot.py").write_text(f"print({PYTHON.decode()!r}, end='')")
    return native.compile_launcher(installation.prefix / "bin/containerd-shim-rung-v2")


def said(shim: Path, *words: str | Path, cwd: Path | None = None) -> bytes:
    """What it prints."""
    run = subprocess.run([shim, *words], capture_output=True, cwd=cwd, timeout=60, check=True)
    return run.stdout


def words(bundle: Path, container: str = "one") -> tuple[str | Path, ...]:
    """As containerd gives them."""
    return ("-namespace", "ns", "-address", "/a", "-publish-binary", "/b", "-id", container, "-bundle", bundle, "delete")


def used(root: Path, program: str = "") -> Settings:
    """What create has used."""
    return Settings(root=str(root), program=program)


def test_a_bundle_of_no_container_is_answered_as_python_does(shim: Path, tmp_path: Path) -> None:
    now = time.time()
    found = DeleteResponse.decode(said(shim, *words(tmp_path)))
    python = delete(Arguments(id="one", namespace="ns", bundle=str(tmp_path)))
    assert (found.pid, found.exit_status) == (python.pid, python.exit_status) == (0, 137)
    assert found.exited_at is not None and abs(found.exited_at.seconds - now) < 60
    assert 0 <= found.exited_at.nanos < 1_000_000_000


def test_a_container_that_was_deleted_in_order_is_answered(shim: Path, tmp_path: Path) -> None:
    remember(str(tmp_path), used(tmp_path / "root"))
    assert DeleteResponse.decode(said(shim, *words(tmp_path))).exit_status == 137
    assert DeleteResponse.decode(said(shim, "-debug", *words(tmp_path))).exit_status == 137


def test_without_a_bundle_it_is_the_working_directory(shim: Path, tmp_path: Path) -> None:
    line = ("-namespace=ns", "--id", "one", "delete")
    assert DeleteResponse.decode(said(shim, *line, cwd=tmp_path)).exit_status == 137
    remember(str(tmp_path), used(tmp_path, "/usr/bin/runc"))
    assert said(shim, *line, cwd=tmp_path) == PYTHON


def test_a_container_that_is_there_is_pythons(shim: Path, tmp_path: Path) -> None:
    (tmp_path / "root/one").mkdir(parents=True)
    remember(str(tmp_path), used(tmp_path / "root"))
    assert said(shim, *words(tmp_path)) == PYTHON
    assert said(shim, *words(tmp_path, "two")) != PYTHON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"root": "/r"}',
        '{"program": ""}',
        '{"program": "", "root": "relative"}',
        '{"program": "", "root": "/r\\u0020x"}',
        '{"program": "runc", "root": "/r"}',
        json.dumps({"program": "", "root": "/r", "more": "x" * 5000}),
    ],
)
def test_settings_that_are_not_plain_are_pythons(shim: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert said(shim, *words(tmp_path)) == PYTHON


@pytest.mark.parametrize(
    "line",
    [
        (),
        ("delete",),
        ("-namespace", "ns", "delete"),
        ("-namespace", "", "-id", "one", "delete"),
        ("-namespace", "ns", "-id", "../one", "delete"),
        ("-namespace", "ns", "-id", "one", "-new", "x", "delete"),
        ("-namespace", "ns", "-id", "one", "-v", "delete"),
        ("-namespace", "ns", "-id", "one", "start"),
        ("-namespace", "ns", "-id", "one", "delete", "-bundle", "delete"),
        ("-namespace", "ns", "-id", "delete"),
    ],
)
def test_other_command_lines_are_pythons(shim: Path, tmp_path: Path, line: tuple[str, ...]) -> None:
    assert said(shim, *line, cwd=tmp_path) == PYTHON


def test_a_bundle_whose_name_mountinfo_escapes_is_pythons(shim: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "a b"
    bundle.mkdir()
    assert said(shim, *words(bundle)) == PYTHON


def test_a_mounted_root_file_system_is_pythons(shim: Path, tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    script = 'mount -t tmpfs none "$0/rootfs" || exit 9; exec "$@"'
    line = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, tmp_path, shim, *words(tmp_path)]
    run = subprocess.run(line, capture_output=True, timeout=60)
    if run.returncode in (1, 9) and b"not permitted" in run.stderr:
        pytest.skip("this user may not have namespaces of its own")
    assert (run.returncode, run.stdout) == (0, PYTHON)
