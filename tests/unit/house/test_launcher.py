"""The launcher: what it finds, what it refuses, what it passes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import native

MINOR = sys.version_info[1]
BOOT = Path(__file__).resolve().parents[3] / "src/rung/runtime/boot.py"
PROBE = """
import os, sys
def main():
    import json
    facts = {
        "argv": [os.fsencode(word).hex() for word in sys.argv],
        "environ": dict(os.environ),
        "name": sys._xoptions.get("rung_name"),
        "isolated": sys.flags.isolated, "utf8": sys.flags.utf8_mode, "site": "site" in sys.modules,
        "path": sys.path, "executable": sys.executable, "file": __file__,
        "stdio": [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)],
    }
    with open(sys.argv[1], "w") as out:
        json.dump(facts, out)
    return 3
"""


class Installation:
    """A prefix as pip leaves it, with a probe in place of the runtime."""

    def __init__(self, prefix: Path, python: str = "") -> None:
        self.prefix = prefix
        self.facts = prefix / "facts.json"
        self.launcher = native.compile_launcher(prefix / "bin/rung-runtime", python=python)

    def package(self, minor: int = MINOR, kind: str = "site-packages") -> Path:
        """Put the package there for a version of Python."""
        home = self.prefix / f"lib/python3.{minor}" / kind
        for folder in ("rung", "rung/runtime", "rung/runtime/cli"):
            (home / folder).mkdir(parents=True)
            (home / folder / "__init__.py").touch()
        (home / "rung/runtime/boot.py").write_bytes(BOOT.read_bytes())
        (home / "rung/runtime/pack.py").write_text("def write(home): pass")
        (home / "rung/runtime/warm").mkdir()
        (home / "rung/runtime/warm/start.py").write_text("def wanted(words): pass\nleave_behind = wanted")
        (home / "rung/runtime/cli/main.py").write_text(PROBE)
        return home

    def interpreter(self, minor: int = MINOR) -> Path:
        """Link the running interpreter as that version of Python."""
        link = self.prefix / f"bin/python3.{minor}"
        link.symlink_to(native.real_interpreter())
        return link

    def run(self, *words: str | bytes, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Run it; what the probe saw."""
        run = self.call([str(self.facts), *words], env)
        assert (run.returncode, run.stderr) == (3, ""), run.stderr
        facts: dict[str, Any] = json.loads(self.facts.read_text())
        return facts

    def call(
        self, words: Sequence[str | bytes], env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, whatever comes."""
        return subprocess.run(
            [self.launcher, *words], env=env, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_arguments_and_environment_pass_unchanged(installation: Installation) -> None:
    installation.package()
    installation.interpreter()
    words: list[str | bytes] = ["a b", "", "--", "-c", b"\xff\xfe", "ü"]
    env = {"LC_ALL": "C", "ODD": "a=b\nc", "PYTHONHOME": "/no/such", "PATH": "/no/such"}
    facts = installation.run(*words, env=env)
    assert facts["environ"] == env
    assert facts["argv"][0] == b"rung-runtime".hex()
    assert facts["argv"][2:] == [(w if isinstance(w, bytes) else w.encode()).hex() for w in words]
    assert (facts["isolated"], facts["utf8"], facts["site"]) == (1, 1, False)


def test_the_surroundings_choose_nothing(installation: Installation, tmp_path: Path) -> None:
    home = installation.package()
    installation.interpreter()
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("os.py", "rung.py", "json.py", "sitecustomize.py"):
        (evil / name).write_text("raise SystemExit('taken over')")
    fake = evil / f"python3.{MINOR}"
    fake.write_text("#!/bin/sh\nexit 99\n")
    fake.chmod(0o755)
    env = {"PATH": str(evil), "PYTHONPATH": str(evil), "PYTHONSTARTUP": str(evil / "os.py")}
    facts = installation.run(env=env)
    assert str(evil) not in facts["path"]
    assert facts["path"][-1] == str(home)
    assert os.path.realpath(facts["executable"]) == native.real_interpreter()


def test_the_newest_version_with_an_interpreter_is_used(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    home = installation.package()
    installation.interpreter()
    installation.package(minor=98)  # no such interpreter anywhere
    assert installation.run()["path"][-1] == str(home)


def test_dist_packages_and_the_interpreter_of_last_resort(tmp_path: Path) -> None:
    installation = Installation(tmp_path, python=native.real_interpreter())
    home = installation.package(minor=98, kind="dist-packages")
    assert installation.run()["path"][-1] == str(home)


def test_a_shim_is_not_an_interpreter(tmp_path: Path) -> None:
    installation = Installation(tmp_path, python=native.real_interpreter())
    installation.package(minor=98)
    shim = tmp_path / "bin/python3.98"
    shim.write_text("#!/bin/sh\nexit 99\n")
    shim.chmod(0o755)
    assert installation.run()["file"].startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "option"), [("runc", "runc"), ("rung-runtime", None), (b"\xff", "\udcff"), ("n" * 255, "n" * 255)]
)
def test_the_name_it_was_called_by_is_an_option_of_pythons(
    installation: Installation, tmp_path: Path, name: str | bytes, option: str | None
) -> None:
    """Not a variable, which hooks would inherit, and not an argument."""
    installation.package()
    installation.interpreter()
    (tmp_path / "by").mkdir()
    link = os.path.join(os.fsencode(tmp_path / "by"), os.fsencode(name))
    os.symlink(installation.launcher, link)
    run = subprocess.run([link, installation.facts], capture_output=True, text=True, check=False, timeout=60, env={"LC_ALL": "C"})
    assert run.returncode == 3, run.stderr
    facts = json.loads(installation.facts.read_text())
    assert facts["name"] == option
    assert (len(facts["argv"]), facts["environ"]) == (2, {"LC_ALL": "C"})


def test_through_a_link_it_is_still_where_it_is(installation: Installation, tmp_path: Path) -> None:
    installation.package()
    installation.interpreter()
    link = tmp_path / "elsewhere"
    link.symlink_to(installation.launcher)
    installation.launcher = link
    assert installation.run()["argv"][0] == b"rung-runtime".hex()


def test_closed_descriptors_become_dev_null(installation: Installation) -> None:
    installation.package()
    installation.interpreter()
    script = f"exec {installation.launcher} {installation.facts} <&- >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", script], check=False, timeout=60).returncode == 3
    assert json.loads(installation.facts.read_text())["stdio"] == ["/dev/null"] * 3


@pytest.mark.parametrize("with_lib", [False, True])
def test_nothing_installed(installation: Installation, tmp_path: Path, with_lib: bool) -> None:
    if with_lib:
        (tmp_path / "lib/python3.13/site-packages").mkdir(parents=True)
    run = installation.call([])
    assert run.returncode == 1
    assert run.stderr == (
        f"rung-runtime: no Python 3.11 or newer that has the rung package belongs to {tmp_path}/bin\n"
    )


def test_an_editable_install_uses_its_source(tmp_path: Path) -> None:
    home = Installation(tmp_path / "tree").package()
    launcher = native.compile_launcher(tmp_path / "bin/rung-runtime", home=home, python=sys.executable)
    installation = Installation(tmp_path / "tree")
    installation.launcher = launcher
    assert installation.run()["path"][-1] == str(home)
