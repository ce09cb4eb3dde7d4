"""dive's rules: where their values come from, and what they say."""

from __future__ import annotations

import pytest

from rung.errors import RungError
from rung.image.explore.analysis import Analysis, Inefficiency, LayerReport
from rung.image.explore.rules import FAIL, PASS, SKIP, rules_from
from rung.image.explore.sizes import human, parse
from rung.image.layer.listing import Layer
from rung.spec.image import Digest

ANY = Digest.of(b"")


def image(efficiency: float = 1.0, wasted: int = 0, user: int = 1000) -> Analysis:
    layers = tuple(
        LayerReport(Layer(index, ANY, ANY, 0, "", ""), size, 0, 0, 0, 0) for index, size in enumerate((500, user))
    )
    return Analysis(layers, (), 500 + user, (), (Inefficiency(b"f", 2, wasted),), efficiency)


def statuses(found: Analysis, file: str = "", **given: str) -> list[str]:
    return [outcome.status for outcome in rules_from(file, given).judge(found).outcomes]


def test_dives_defaults() -> None:
    assert statuses(image(0.9, 100)) == [PASS, SKIP, PASS]
    assert statuses(image(0.89, 101)) == [FAIL, SKIP, FAIL]


def test_a_file_of_rules_in_both_spellings() -> None:
    file = "rules:\n  # a comment\n  lowestEfficiency: 0.5\n  highest-wasted-bytes: '1kB'\n  highestUserWastedPercent: disabled\n"
    assert statuses(image(0.6, 1000), file) == [PASS, PASS, SKIP]
    assert statuses(image(0.4, 1001), file) == [FAIL, FAIL, SKIP]


def test_the_command_line_goes_before_the_file() -> None:
    assert statuses(image(0.6), "rules:\n  lowestEfficiency: 0.9", lowestEfficiency="0.5")[0] == PASS


def test_the_verdict_reads_as_dives() -> None:
    verdict = rules_from("", {"highestWastedBytes": "10"}).judge(image(0.5, 11, 0))
    assert not verdict.passed
    assert verdict.text().splitlines()[-1] == "Result:FAIL [Total:3] [Passed:1] [Failed:2] [Skipped:0]"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("rules:\n  lowest: 1", "line 2: 'lowest' is no rule"),
        ("lowestEfficiency", "line 1"),
        ("highestWastedBytes: many", "'many' is no size"),
        ("lowestEfficiency: 2", "'2' is no ratio"),
        ("highestUserWastedPercent: nan", "'nan' is no ratio"),
    ],
)
def test_a_rule_that_makes_no_sense(file: str, words: str) -> None:
    with pytest.raises(RungError, match=words):
        rules_from(file)


@pytest.mark.parametrize(
    ("text", "size"), [("20MB", 20_000_000), ("1.5 GiB", 3 << 29), ("4096", 4096), ("1,000 b", 1000), ("2k", 2000)]
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse(text) == size


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (123_456_789, "123 MB")])
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert human(size) == text
