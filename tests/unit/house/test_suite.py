"""``make test``'s judgement: what is tried again, what is unsteady, what fails; and that pytest's words arrive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import suite
from suite import MOST, Ended, Run, Verdict, reruns, verdict


def run(code: int = 1, errors: tuple[str, ...] = (), **outcomes: str) -> Run:
    return Run(code, 1.0, {name: Ended(outcome, said=f"{name} said") for name, outcome in outcomes.items()}, list(errors))


GOOD = run(0, a="passed", b="skipped")


def test_where_all_passed_nothing_is_tried_again() -> None:
    assert reruns(GOOD) == ([], "")
    assert verdict(GOOD, {}) == Verdict(True)


def test_what_failed_is_tried_again_and_unsteady_where_it_passes_alone() -> None:
    first = run(a="passed", b="failed")
    assert reruns(first) == (["b"], "")
    assert verdict(first, {"b": run(0, b="passed")}) == Verdict(True, unsteady=("b",))


@pytest.mark.parametrize(
    "alone",
    [run(1, b="failed"), run(0, b="skipped"), run(0), run(3, b="passed"), run(1, b="passed"), run(-9), run(2, ("error",))],
    ids=["fails", "is skipped", "is not there", "internal error", "leaves something", "pytest dies", "not collected"],
)
def test_whoever_does_not_pass_alone_has_failed(alone: Run) -> None:
    judged = verdict(run(a="failed", b="failed"), {"a": run(0, a="passed"), "b": alone})
    assert (judged.good, judged.unsteady, judged.failed) == (False, ("a",), ("b",))


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (run(2, ("tests/x.py",), a="failed"), "1 errors while tests were collected"),
        (run(3, a="failed"), "pytest ended with status 3"),
        (run(5), "pytest ended with status 5"),
        (run(-9), "pytest ended with status -9"),
        (run(1, a="passed"), "pytest failed outside of all tests"),
        (run(1, (), **{f"t{n}": "failed" for n in range(MOST + 1)}), f"{MOST + 1} tests failed, more than {MOST}"),
    ],
)
def test_what_is_not_tried_again_is_no_pass(first: Run, why: str) -> None:
    assert reruns(first) == ([], why)
    judged = verdict(first, {})
    assert (judged.good, judged.why) == (False, why)
    assert why in suite.closing("title", first, {}, judged)


def test_the_end_says_everything_about_failures() -> None:
    first, alone = run(a="failed", b="failed", c="skipped"), {"a": run(0, a="passed"), "b": run(1, b="failed")}
    alone["b"].tests["b"].said = "b said again"
    text = suite.closing("all", first, alone, verdict(first, alone))
    for words in ("2 failed, 1 skipped in", "1 skipped: c said", "unsteady: a", "a said", "failed: b", "b said\n", "b said again"):
        assert words in text, text
    assert text.endswith("== all: NOT GOOD: 1 tests failed, alone too")


TESTS = """
import os, pytest, time
def test_passes(): pass
def test_says():
    print("printed")
    assert 1 == 2, "sentence"
def test_unsteady(tmp_path_factory):
    with open("tried", "a+") as file:
        file.write("x")
        file.seek(0)
        assert len(file.read()) > 1
@pytest.fixture
def broken():
    yield
    raise OSError("left")
def test_teardown(broken): pass
@pytest.mark.skip(reason="why not")
def test_skipped(): pass
@pytest.mark.xfail(strict=True)
def test_known(): assert 0
"""


@pytest.mark.timeout(400)
def test_what_pytest_says_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "test_it.py").write_text(TESTS)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "OUT", tmp_path)
    first = suite.tested(Path(sys.executable), ["-q"], {})
    assert "== failed so far: test_it.py::test_teardown\n--- teardown" in capfd.readouterr().out
    outcomes = {name.split("::")[1]: test for name, test in first.tests.items()}
    assert first.code == 1 and not first.errors
    assert {name for name, test in outcomes.items() if test.outcome == "failed"} == {
        *("test_says", "test_unsteady", "test_teardown"),
    }
    assert "sentence" in outcomes["test_says"].said and "printed" in outcomes["test_says"].said
    assert "OSError: left" in outcomes["test_teardown"].said
    assert (outcomes["test_skipped"].outcome, outcomes["test_skipped"].said) == ("skipped", "Skipped: why not")
    again = suite.tested(Path(sys.executable), ["-q", *(f"test_it.py::test_{name}" for name in ("unsteady", "says"))], {})
    assert again.that("passed") == ["test_it.py::test_unsteady"]
    (tmp_path / "tried").unlink()
    for test, good, tries in (("unsteady", True, 2), ("passes", True, 1), ("says", False, 2)):
        name = f"test_it.py::test_{test}"
        assert suite.passes(name, suite.tried(name, Path(sys.executable), {})) == good
        assert capfd.readouterr().out.count("again, alone") == tries


@pytest.mark.timeout(400)
def test_a_file_that_cannot_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "test_it.py").write_text("import no_such_module\n")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "OUT", tmp_path)
    first = suite.tested(Path(sys.executable), ["-q"], {})
    assert len(first.errors) == 1 and "no_such_module" in first.errors[0]
    assert not verdict(first, {}).good
