"""What a command imports: the process is started five times in a container's life."""

import subprocess
import sys
from pathlib import Path

import pytest

import rung

#: Each costs milliseconds; the docstrings of what we have in their place say how many.
SLOW = {
    "argparse",
    "asyncio",
    "collections",
    "contextlib",
    "ctypes",
    "dataclasses",
    "enum",
    "functools",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "signal",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "traceback",
    "typing",
}
HOME = Path(rung.__file__).parent.parent


def imported_by(*words, cwd):
    """The modules that are there when the command ends, as the launcher starts it."""
    code = f"""if True:
        import sys
        sys.path.append({str(HOME)!r})
        from rung.runtime.cli.main import execute
        execute({list(words)!r})
        sys.stderr.write("modules " + " ".join(sys.modules))
    """
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    )
    return set(ran.stderr.rsplit("modules ", 1)[1].split())


@pytest.fixture
def root(tmp_path):
    (tmp_path / "web1").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["state", "web1"],
        ["start", "web1"],
        ["kill", "web1"],
        ["delete", "web1"],
        ["create", "--bundle", "/none", "web2"],
        ["run", "--bundle", "/none", "web2"],
        ["run", "--detach", "--bundle", "/none", "web2"],
        ["exec", "--detach", "web1", "true"],
        ["list"],
        ["features"],
        ["spec"],
    ],
    ids=" ".join,
)
def test_a_command_loads_no_slow_module(root, words):
    loaded = imported_by("--root", str(root), "--log", str(root / "log"), *words, cwd=root)
    assert not loaded & SLOW
    of_commands = {name for name in loaded if name.startswith("rung.runtime.cli.")}
    allowed = {"main", "log", "options", "json_text", "process_flags", words[0]}
    assert of_commands <= {f"rung.runtime.cli.{name}" for name in allowed}


def test_the_check_sees_a_slow_module(root):
    assert imported_by("--debug", "state", "none", cwd=root) & SLOW


def test_a_wrong_word_does_not_load_the_library(root):
    loaded = imported_by("state", "--bogus", cwd=root)
    assert "rung.runtime.runtime" not in loaded
