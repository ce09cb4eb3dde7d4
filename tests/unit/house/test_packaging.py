"""A wheel holds what it must, and works where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import native

ROOT = Path(__file__).resolve().parents[3]


def pip(*words: str | Path) -> None:
    """Run pip; its complaints are the test's."""
    run = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -e .[test]")
    into = tmp_path_factory.mktemp("wheel")
    pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", into, ROOT)
    (found,) = into.glob("*.whl")
    return found


def test_the_wheel_holds_programs_and_no_sources_of_theirs(wheel: Path) -> None:
    assert wheel.name.endswith(f"-py3-none-linux_{os.uname().machine}.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name.split(".data/")[-1]: archive.getinfo(name) for name in archive.namelist()}
        for program in ("rung/_bin/rung-init", "rung/_bin/rung-untar", "scripts/rung-runtime", "scripts/rung"):
            assert archive.read(names[program])[:4] == b"\x7fELF"
            assert names[program].external_attr >> 16 & 0o111, f"{program} is not executable"
    assert not [name for name in names if name.endswith((".c", ".h", ".o"))]
    assert "rung/py.typed" in names


def test_an_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    pip("--python", tmp_path / "bin/python", "install", "-q", "--no-deps", "--no-index", wheel)
    run = subprocess.run(
        [tmp_path / "bin/rung-runtime", "--version"], capture_output=True, text=True, check=False, cwd="/"
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("rung-runtime version ")
    assert (tmp_path / "bin/rung").exists()


def test_the_source_archive_can_be_built_from(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -e .[test]")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[1] for name in opened.getnames() if "/" in name}
    native_sources = [*ROOT.glob("src/rung/runtime/*/*.[ch]"), *ROOT.glob("src/rung/image/layer/untar/*.[ch]")]
    sources = [*native_sources, ROOT / "hatch_build.py", ROOT / "tools/native.py"]
    assert {str(path.relative_to(ROOT)) for path in sources} - names == set()
    pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, archive)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as opened_wheel:
        assert {"rung/_bin/rung-init", "rung/_bin/rung-untar"} <= set(opened_wheel.namelist())


@pytest.mark.parametrize("program", ["rung-init", "rung-untar", "rung-runtime"])
def test_programs_are_static_and_hardened(program: str, rung_init: Path, runtime_bin: Path) -> None:
    path = {"rung-init": rung_init, "rung-untar": native.compile_untar(), "rung-runtime": runtime_bin}[program]
    headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers
    assert "GNU_RELRO" in headers
    (stack,) = [line.split() for line in headers.splitlines() if "GNU_STACK" in line]
    assert "E" not in stack[-2]
