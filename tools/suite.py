#!/usr/bin/env python3
"""``make test``: every test, and what failed again, each alone, at most ``TRIES`` times.

A test that fails beside others and passes alone is unsteady: it is named loudly, with all that it said, and a list
of such tests is a list of work, but one of them alone does not make the run fail. What never passes does, and so do
more than ``MOST`` failures, and whatever is no test's failure: an error while collecting, a pytest that ended in
another way. What is decided is decided by ``reruns`` and ``verdict``, which are pure.

    tools/suite.py                          both passes: the core with the other Python, the warm way; then everything
    tools/suite.py PYTEST ARGUMENTS         the second one with these
    tools/suite.py --into FILE ARGUMENTS    one pytest of this interpreter; what it found as JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/tests"
MOST = 20
TRIES = 2
SLOWEST = 20
RULE = "=" * 100

#: Outside clients, which see both ways of the runtime: cold in the whole suite, warm in the core of it.
BOTH_WAYS = ("ctr", "docker", "runc_bundles", "runc_control", "runc_exec", "runc_inside")
CORE = ["tests/unit", "tests/kernel", *(f"tests/conformance/test_{name}.py" for name in BOTH_WAYS)]


@dataclass
class Ended:
    """How a test ended, how long it took with its fixtures, and what it said where it failed or was skipped."""

    outcome: str = "passed"
    seconds: float = 0.0
    said: str = ""


@dataclass
class Run:
    """What one pytest found. ``errors``: of collecting, no test's. ``code``: its exit status."""

    code: int = 0
    seconds: float = 0.0
    tests: dict[str, Ended] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def that(self, outcome: str) -> list[str]:
        return [name for name, test in self.tests.items() if test.outcome == outcome]


@dataclass(frozen=True)
class Verdict:
    """Whether a pass is one, and if not why; the tests that failed beside others only, and those that never passed."""

    good: bool
    why: str = ""
    unsteady: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def reruns(run: Run) -> tuple[list[str], str]:
    """The tests to try once more, or why that would say nothing."""
    failed = run.that("failed")
    if run.errors:
        return [], f"{len(run.errors)} errors while tests were collected"
    if run.code not in (0, 1):
        return [], f"pytest ended with status {run.code}"
    if run.code == 1 and not failed:
        return [], "pytest failed outside of all tests"
    if len(failed) > MOST:
        return [], f"{len(failed)} tests failed, more than {MOST}"
    return failed, ""


def passes(name: str, alone: Run) -> bool:
    """Whether a run of this test alone is a pass of it, and of nothing else."""
    return alone.code == 0 and alone.that("passed") == [name]


def verdict(run: Run, alone: Mapping[str, Run]) -> Verdict:
    """Of a run, and of what ``reruns`` named once more."""
    names, why = reruns(run)
    if why:
        return Verdict(False, why, failed=tuple(run.that("failed")))
    steady = [name for name in names if passes(name, alone[name])]
    failed = tuple(name for name in names if name not in steady)
    return Verdict(not failed, f"{len(failed)} tests failed, alone too" if failed else "", tuple(steady), failed)


# --- one pytest ---------------------------------------------------------------------------------------------------


class Watch:
    """A pytest plugin: what is reported, also by pytest-xdist's workers, becomes a ``Run``."""

    def __init__(self) -> None:
        self.run = Run()

    def pytest_runtest_logreport(self, report: Any) -> None:
        test = self.run.tests.setdefault(report.nodeid, Ended())
        test.seconds += getattr(report, "duration", 0.0)
        if report.failed:
            sections = [f"--- {title}\n{text}" for title, text in report.sections]
            test.outcome = "failed"
            test.said += "\n".join([f"--- {report.when}", report.longreprtext, *sections, ""])
            print(f"\n== failed so far: {report.nodeid}\n{test.said}", flush=True)  # the run may be cut off
        elif report.skipped and test.outcome == "passed":
            test.outcome = "skipped"
            test.said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.run.errors.append(f"{report.nodeid}\n{report.longreprtext}")


def carry_out(into: Path, arguments: Sequence[str]) -> int:
    """Run pytest here and write down what it found."""
    import pytest

    watch, began = Watch(), time.monotonic()
    watch.run.code = int(pytest.main(list(arguments), plugins=[watch]))
    watch.run.seconds = time.monotonic() - began
    into.write_text(json.dumps(asdict(watch.run)))
    return watch.run.code


def tested(python: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
    """A pytest of an interpreter, in a process of its own."""
    into = OUT / "run.json"
    into.unlink(missing_ok=True)
    words: list[str | Path] = [python, Path(__file__), "--into", into, *arguments]
    variables = {"CI": "true", **os.environ, **environment}  # Hypothesis tries the same examples each time then
    done = subprocess.run(words, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, check=False)
    if not into.exists():
        return Run(code=done.returncode or -1)
    found = json.loads(into.read_text())
    found["tests"] = {name: Ended(**test) for name, test in found["tests"].items()}
    return Run(**{**found, "code": done.returncode})


# --- both passes --------------------------------------------------------------------------------------------------


def one_pass(title: str, python: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[bool, str]:
    """Run it, what failed once more, and say how it was: whether it is good, and what to print at the very end."""
    print(f"== {title}", flush=True)
    workers = str(max(2, min(8, len(os.sched_getaffinity(0)))))
    report = OUT / f"{title.replace(' ', '-').replace(',', '')}.xml"
    run = tested(python, ["-q", "--no-summary", "-n", workers, f"--junitxml={report}", *arguments], environment)
    alone = {}
    for name in reruns(run)[0]:
        alone[name] = tried(name, python, environment)
    judged = verdict(run, alone)
    return judged.good, closing(title, run, alone, judged)


def tried(name: str, python: Path, environment: Mapping[str, str]) -> Run:
    """The first run of a test alone that it passes, or the last one."""
    for count in range(1, TRIES + 1):
        print(f"== {name} failed: again, alone ({count} of {TRIES})", flush=True)
        run = tested(python, ["-q", "--no-summary", name], environment)
        if passes(name, run):
            break
    return run


def closing(title: str, run: Run, alone: Mapping[str, Run], judged: Verdict) -> str:
    """The end of the log for a pass: everything that one has to know, and nothing above it that one must look for."""
    outcomes = Counter(test.outcome for test in run.tests.values())
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    lines = [RULE, f"== {title}: {counts} in {run.seconds:.0f} s", f"slowest {SLOWEST}:"]
    slowest = sorted(run.tests.items(), key=lambda item: -item[1].seconds)[:SLOWEST]
    lines += [f"  {test.seconds:6.1f} s  {name}" for name, test in slowest]
    skips = Counter(run.tests[name].said for name in run.that("skipped"))
    lines += [f"  {count} skipped: {said}" for said, count in sorted(skips.items())]
    for error in run.errors:
        lines += [RULE, f"== cannot be collected: {error}"]
    for name in judged.unsteady:
        lines += [RULE, f"== unsteady: {name} failed beside others and passed alone", run.tests[name].said]
    for name in judged.failed:
        again = alone[name].tests.get(name, Ended()).said if name in alone else ""
        lines += [RULE, f"== failed: {name}", run.tests[name].said, *(["== and alone", again] if again else [])]
    lines += [f"unsteady: {name}" for name in judged.unsteady]
    lines += [f"failed: {name}" for name in judged.failed]
    lines.append(f"== {title}: {'good' if judged.good else f'NOT GOOD: {judged.why}'}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    passes = []
    for python in () if arguments else sorted(ROOT.glob(".venv-3.*/bin/python")):
        version = python.parents[1].name.removeprefix(".venv-")
        passes.append(one_pass(f"core, warm, Python {version}", python, CORE, {"RUNG_TEST_WARM": "1"}))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    passes.append(one_pass(f"everything, Python {version}", Path(sys.executable), arguments, {}))
    for _, text in passes:
        print(text, flush=True)
    return 0 if all(good for good, _ in passes) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(carry_out(Path(given[1]), given[2:]) if given[:1] == ["--into"] else main(given))
