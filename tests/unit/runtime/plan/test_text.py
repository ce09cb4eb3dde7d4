"""Every step can be said in a sentence."""

from __future__ import annotations

from plan_configs import config, plan
from rung.runtime.plan import steps, text


def test_every_kind_of_step_has_its_sentence() -> None:
    assert set(text._SENTENCES) == set(steps.kinds())


def test_a_plan_reads_as_numbered_sentences_with_their_clauses() -> None:
    lines = text.render(plan(config())).splitlines()
    assert lines[0].split(maxsplit=1)[0] == "1"
    assert any("mount proc at /proc" in line and line.endswith("config.md#mounts") for line in lines)
    assert any("bound capabilities to kill" in line for line in lines)
    assert "execute true" in lines[-1]


def test_a_plan_for_programs_carries_the_arguments() -> None:
    data = text.as_data(plan(config()))
    mount = next(entry for entry in data if entry["step"] == "MountFs")
    assert mount["arguments"]["dest"] == "/proc"
    assert mount["does"] == "mount proc at /proc"
