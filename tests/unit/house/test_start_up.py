"""Starting costs what is imported: a fast command must not load a slow module.

What may be imported is watched with ``-X importtime``, in an interpreter that is started with
the very words that the launcher uses.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import native

SRC = Path(__file__).resolve().parents[3] / "src"

#: What each would cost is in docs/decisions/start-up.md.
SLOW = set(
    "argparse ast asyncio collections contextlib copy ctypes dataclasses enum functools hashlib inspect "
    "json logging operator os pathlib pickle re selectors shutil signal socket string subprocess tempfile "
    "textwrap threading traceback types typing urllib uuid warnings weakref".split()
)


@pytest.fixture(scope="session")
def start_words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the launcher gives to Python, read off by giving it ``echo`` for a Python."""
    launcher = native.compile_launcher(
        tmp_path_factory.mktemp("launcher") / "rung-runtime", home=SRC, python="/bin/echo"
    )
    words = subprocess.run([launcher], capture_output=True, text=True, check=True).stdout.split()
    assert Path(words[-1]).name.startswith("boot."), words
    return [*words[:-1], str(SRC / "rung/runtime/boot.py")]  # modules from their own files have their names


def loaded(start_words: list[str], *words: str) -> tuple[set[str], subprocess.CompletedProcess[str]]:
    """The modules that a command loads, and how it ended."""
    run = subprocess.run(
        [native.real_interpreter(), "-Ximporttime", *start_words, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line for line in run.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip() for line in lines}, run


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--version"], 0),
        (["--root", "/no/such/place", "state", "nobody"], 1),
        (["--root", "/no/such/place", "kill", "nobody", "TERM"], 1),
        (["--root", "/no/such/place", "delete", "nobody"], 1),
        (["--root", "/no/such/place", "start", "nobody"], 1),
    ],
    ids=lambda value: value[-2] if isinstance(value, list) and len(value) > 1 else None,
)
def test_fast_commands_import_nothing_slow(start_words: list[str], words: list[str], status: int) -> None:
    modules, run = loaded(start_words, *words)
    assert run.returncode == status, run.stderr
    assert "rung.runtime.cli.main" in modules
    assert sorted(modules & SLOW) == []


def test_the_library_imports_nothing_slow(start_words: list[str]) -> None:
    """All that creating a container takes."""
    code = "from rung.runtime import Runtime; Runtime; import rung.runtime.create, rung.runtime.enter"
    words = [*start_words[:-1], "-c", f"import sys; sys.path.append('{SRC}'); {code}"]
    modules, run = loaded(words)
    assert run.returncode == 0, run.stderr
    assert "rung.runtime.create" in modules
    assert sorted(modules & SLOW) == []


def test_the_watch_sees_a_slow_module(start_words: list[str]) -> None:
    modules, _ = loaded([*start_words[:-1], "-c", "import json"])
    assert "json" in modules & SLOW


def test_importing_rung_costs_nothing(start_words: list[str]) -> None:
    """The library comes when its names are asked for."""
    modules, run = loaded([*start_words[:-1], "-c", f"import sys; sys.path.append('{SRC}'); import rung"])
    assert run.returncode == 0, run.stderr
    assert sorted(name for name in modules if name.split(".")[0] == "rung") == ["rung"]
    assert sorted(modules & SLOW) == []
    modules, run = loaded([*start_words[:-1], "-c", f"import sys; sys.path.append('{SRC}'); import rung; rung.Client"])
    assert run.returncode == 0, run.stderr
    assert "rung.client.blocking.api" in modules


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["run", "--rm", "-it", "--network", "none", "-e", "A=1", "-v", "/a:/b", "-p", "80:80", "image", "true"], 1),
        (["run", "--rm", "--network", "none", "image", "true"], 125),
        (["create", "image"], 1),
        (["exec", "web", "true"], 1),
        (["start", "web"], 1),
        (["stop", "web"], 1),
        (["rm", "web"], 1),
        (["ps"], 1),
        (["logs", "web"], 1),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_the_way_to_the_engine_imports_nothing_slow(start_words: list[str], words: list[str], status: int) -> None:
    """All but what shows a list's times: the socket is tried for, and there is none."""
    modules, run = loaded(start_words, "--rung", "--host", "unix:///no/such/socket", *words)
    assert run.returncode == status, run.stderr
    assert "rung.cli.link.engine" in modules
    assert sorted(modules & SLOW) == []


@pytest.mark.parametrize(
    "words",
    [
        "--version", "--help", "", "nonsense", "image --help", "images --help", "image ls --help", "pull --help", "push --help",
        "image scan --help", "image sign --help", "manifest --help", "login --help", "registry --help", "registry serve --help",
        "explain --help", "unshare --help", "container --help", "system --help", "ps --help", "run --help", "version --help",
        "completion bash", "__complete p", "__complete image l", "__complete ps --f", "__complete rm x",
    ],
)  # fmt: skip
def test_prompts_and_completion_import_nothing_slow(start_words: list[str], words: str, tmp_path: Path) -> None:
    """What a shell calls while somebody types: no more than 10 ms above the interpreter's own start."""
    root = [] if words == "--version" else ["--run-root", str(tmp_path)]
    modules, run = loaded(start_words, "--rung", *root, *words.split())
    assert run.returncode == (words == "nonsense"), run.stderr
    assert "rung.cli.main" in modules
    assert sorted(modules & (SLOW | {"importlib", "site", "rung.image"})) == []


@pytest.mark.parametrize("words", ["--version", "--help"])
def test_the_daemon_answers_before_it_loads_the_engine(start_words: list[str], words: str) -> None:
    code = f"import sys; sys.path.append('{SRC}'); from rung.cli.daemon import main; main()"
    modules, run = loaded([*start_words[:-1], "-c", code, words])
    assert run.returncode == 0, run.stderr
    assert sorted(modules & ((SLOW | {"site", "rung.engine.daemon"}) - {"os", "warnings"})) == []


def test_streams_of_a_container_import_nothing_slow(start_words: list[str]) -> None:
    """What ``rung run`` needs behind the socket."""
    code = "from rung.client import Frames; Frames; import rung.cli.commands.run"
    modules, run = loaded([*start_words[:-1], "-c", f"import sys; sys.path.append('{SRC}'); {code}"])
    assert run.returncode == 0, run.stderr
    assert sorted(modules & SLOW) == []
