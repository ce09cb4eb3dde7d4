"""The OCI runtime-tools' validation programs pass wherever they pass with runc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import runtime_tools

PLACE = Path(os.environ.get(runtime_tools.PLACE, "/nowhere"))
PROGRAMS = runtime_tools.programs(PLACE)


@pytest.mark.skipif(bool(PROGRAMS), reason="the programs are there")
def test_the_programs_are_there() -> None:
    pytest.skip(f"{runtime_tools.PLACE} names no checkout with built validation programs")


@pytest.mark.parametrize("program", PROGRAMS)
def test_validation(runtime: Path, reference: Path, program: str) -> None:
    verdict = runtime_tools.validate(PLACE, program, str(runtime))
    if verdict.passes:
        return
    beside = runtime_tools.validate(PLACE, program, str(reference))
    assert not beside.passes, f"{reference.name} passes\n{verdict.output}"
    pytest.skip(f"{reference.name} fails it too: {beside}")


def test_reading_tap() -> None:
    """Skips are not passes, and a silent or failing program is no success."""
    read = runtime_tools.read_tap
    verdict = read("p", "TAP version 13\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP c\n1..3\n", 0)
    assert (verdict.passed, verdict.failed, verdict.skipped, verdict.passes) == (1, ("b",), 1, False)
    assert read("p", "ok 1 - a\n", 0).passes
    assert not read("p", "ok 1 - a\n", 1).passes
    assert not read("p", "", 0).passes
    assert read("p", "TAP version 13\n1..0\n", 0).passes
    assert read("p", '  {\n    "error": "Hooks MUST\\nRefer to"\n  }\n1..0\n', 0).trouble == "Hooks MUST"
    assert not read("p", "ok 1 - a\n", None).passes
