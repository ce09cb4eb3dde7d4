"""What may come next on a command line; and the scripts, in the shells that are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rung.cli import standalone
from rung.cli.commands import completing
from rung.cli.commands.completing import SCRIPTS, candidates
from rung.cli.declaration import Commands
from rung.cli.help import help_text
from rung.cli.parser import Parser
from rung.cli.summaries import SUMMARIES
from rung.cli.table import ABOUT, COMMANDS, GROUPS, load

NAMES = {"containers": ["web", "worker"], "images": ["debian:trixie"], "networks": ["bridge"], "volumes": ["data"]}


def after(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(completing, "names", lambda kind, _settings: NAMES[kind])
    *words, last = line.split(" ")
    return [word.partition("\t")[0] for word in candidates(words, last, {})]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("re", ["registry", "rename", "restart"]),
        ("image unm", ["unmount"]),
        ("container sto", ["stop"]),
        ("network c", ["connect", "create"]),
        ("stop w", ["web", "worker"]),
        ("stop web w", ["web", "worker"]),
        ("rename web ", [":file"]),
        ("run --netw", ["--network", "--network-alias"]),
        ("run --network ", ["bridge"]),
        ("run -it deb", ["debian:trixie"]),
        ("run -it debian:trixie --netw", [":file"]),
        ("run --pull ne", ["never"]),
        ("run --env-file ", [":file"]),
        ("run --rm --network none deb", ["debian:trixie"]),
        ("volume rm d", ["data"]),
        ("network connect bridge w", ["web", "worker"]),
        ("cp we", ["web:"]),
        ("cp /e", [":file"]),
        ("completion z", ["zsh"]),
        ("ps ", []),
        ("pull x", [":file"]),
        ("nonsense x", []),
    ],
)
def test_what_may_come(line: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert after(line, monkeypatch) == words


def test_without_an_engine_there_are_no_names(tmp_path: Path) -> None:
    assert completing.names("containers", {"run-root": str(tmp_path)}) == []


EVERY = [(f"rung {word}", place) for word, place in COMMANDS.items()] + [
    (f"rung {group} {word}", place) for group, table in GROUPS.items() for word, place in table.items()
]


@pytest.mark.parametrize(("prog", "place"), EVERY, ids=[prog for prog, _ in EVERY])
def test_every_command_has_its_help_with_an_example(prog: str, place: str) -> None:
    command = load(place)
    names = [flag.name for flag in command.flags()]
    letters = [flag.short for flag in command.flags() if flag.short]
    assert (len(names), len(letters)) == (len(set(names)), len(set(letters)))
    assert all(flag.about for flag in command.flags())
    text = help_text(prog, command)
    assert text.startswith(f"\nUsage:  {prog}")
    assert "example: rung " in text


@pytest.mark.parametrize("group", GROUPS)
def test_the_summary_of_a_group_is_its_commands_own(group: str) -> None:
    assert SUMMARIES[group] == {word: load(place).about for word, place in GROUPS[group].items()}


def test_the_summary_of_all_is_the_commands_own() -> None:
    """Of tables and of those that work without an engine; ``run`` is in both."""
    root = Parser().add_subparsers()
    for group in standalone.GROUPS:
        __import__(f"rung.cli.{group}", fromlist=["register"]).register(root)
    known = {name: about[:1].upper() + about[1:] for name, about in root.listed}
    tables = {word: load(place).about for word, place in COMMANDS.items() if word[0] != "_"}
    assert SUMMARIES[""] == {**known, **tables, **ABOUT}
    images = next(one for one in root.parsers["image"].arguments if isinstance(one, Commands))
    assert SUMMARIES["image"] == {name: about[:1].upper() + about[1:] for name, about in images.listed}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_shells_read_their_scripts(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "script"
    script.write_text(SCRIPTS[shell])
    checked = subprocess.run([program, "-n", script], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes(tmp_path: Path) -> None:
    (tmp_path / "rung").write_text("#!/bin/sh\nprintf 'stop\\tStop it\\nstats\\tShow\\n'\n")
    (tmp_path / "rung").chmod(0o755)
    asked = "COMP_WORDS=(rung st); COMP_CWORD=1; _rung; printf '%s\\n' \"${COMPREPLY[@]}\""
    bash = ["bash", "--norc", "-c", f"PATH={tmp_path}:$PATH\n{SCRIPTS['bash']}\n{asked}"]
    assert subprocess.run(bash, capture_output=True, text=True, timeout=60, check=True).stdout.split() == ["stop", "stats"]
