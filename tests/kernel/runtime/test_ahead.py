"""What the pack executes for a command before it is asked for (``pack.AHEAD``) is what that command imports anyway."""

from __future__ import annotations

import subprocess
from pathlib import Path

import native
from kernel.runtime.bed import Bed, captured
from rung.runtime import boot, pack

BOOT = Path(boot.__file__).resolve()
HOME = str(BOOT.parents[2])


def ahead() -> dict[str, set[str]]:
    """Command -> the modules that are executed ahead for it."""
    imports = {name: pack.imported(pack.tree_of(source)) for name, source, _ in pack.modules(HOME)}
    own = [each for each in pack.AHEAD if " " not in each]  # the others are not the runtime's
    return {each: set(pack.needed(each, imports)) for each in own}


def loaded(bed: Bed, *words: str) -> set[str]:
    """The modules that a command imports, from their own files, when it does what it is for."""
    python = [
        native.real_interpreter(),
        "-Ximporttime",
        "-IS",
        "-Xutf8",
        str(BOOT),
        "--root",
        str(bed.state),
        *words,
    ]
    with captured() as said:
        run = subprocess.run(
            python, stdin=-3, stdout=-3, stderr=said, env={"RUNG_WARM": "off"}, timeout=120, check=False
        )
        lines = Path(f"/proc/self/fd/{said}").read_text().splitlines()
    assert run.returncode == 0, lines
    return {line.rsplit("|", 1)[1].strip() for line in lines if line.startswith("import time:")}


def test_nothing_is_executed_that_is_not_needed(bed: Bed) -> None:
    sleeps, ends = str(bed.bundle(("sleep", "1000"))), str(bed.bundle(("true",)))
    name = bed.new_id()
    lives = (
        ("create", ("--bundle", sleeps, name)),
        ("state", (name,)),
        ("list", ()),
        ("start", (name,)),
        ("exec", (name, "true")),
        ("kill", (name, "KILL")),
        ("delete", ("--force", name)),
        ("run", ("--bundle", ends, name)),
    )
    executed = ahead()
    assert {command for command, _ in lives} == set(executed)
    for command, words in lives:
        imported = loaded(bed, command, *words)
        missing = executed[command] - imported
        assert not missing, f"{command} has no use for them"
        assert "rung.runtime.plan.rare" not in imported, f"{command} of a container without rarities"
