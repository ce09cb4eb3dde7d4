"""runc's and crun's own suites pass wherever they pass with their own runtime, docker-py's and testcontainers' with
the engine, but for what the page names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import suites, tally, with_engine
from .suites import CRUN, DOCKER_PY, ONLY_V1, RUNC, TESTCONTAINERS, Suite

KNOWN = suites.known(suites.PAGE.read_text())


@pytest.mark.parametrize("suite", [RUNC, CRUN, DOCKER_PY, TESTCONTAINERS], ids=lambda suite: suite.peer)
def test_the_suite_is_there(suite: Suite) -> None:
    if not suite.files():
        pytest.skip(
            f"{suite.variable} names no checkout of {suite.peer} (see tests/conformance/{suite.script})"
        )


@pytest.mark.timeout(3 * suites.TIMEOUT_S)
@pytest.mark.parametrize("file", RUNC.files())
def test_runcs_suite(runtime: Path, reference: Path, file: str) -> None:
    assert RUNC.place is not None
    own = (
        RUNC.place / "runc"
    )  # the suite is newer than most runtimes: its own is the measure where it was built
    judge(RUNC, file, runtime, (own if own.exists() else reference,))


@pytest.mark.timeout(3 * suites.TIMEOUT_S)
@pytest.mark.parametrize("file", CRUN.files())
def test_cruns_suite(runtime: Path, file: str) -> None:
    judge(CRUN, file, runtime, (*ONLY_V1, "crun"))


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[Path, list[str]]]:
    with with_engine.engine("rungd") as found:
        yield found


def can_run(python: str, variable: str, *modules: str) -> None:
    """Skips where a suite's interpreter lacks what the suite imports."""
    needed = [python, "-c", f"import {', '.join(modules)}"]
    if subprocess.run(needed, check=False, capture_output=True, timeout=suites.TIMEOUT_S).returncode:
        pytest.skip(f"{python} lacks one of {', '.join(modules)}: {variable} names one that has them")


#: What runs docker-py's tests: paramiko is nothing that this tree's own environment needs.
DOCKER_PY_PYTHON = os.environ.get("RUNG_DOCKER_PY_PYTHON", sys.executable)
TESTCONTAINERS_PYTHON = os.environ.get("RUNG_TESTCONTAINERS_PYTHON", sys.executable)
#: Of builds, swarms and plugins, which the engine has not.
ABSENT = ("build", "config", "nodes", "plugin", "secret", "service", "swarm")


@pytest.mark.timeout(3 * suites.TIMEOUT_S)
@pytest.mark.parametrize(
    "file", [one for one in DOCKER_PY.files() if not any(word in one for word in ABSENT)]
)
def test_docker_pys_suite(engine: tuple[Path, list[str]], file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    can_run(DOCKER_PY_PYTHON, "RUNG_DOCKER_PY_PYTHON", "paramiko", "pytest_timeout", "requests")
    with_rungd(DOCKER_PY, DOCKER_PY_PYTHON, engine, file, monkeypatch)


@pytest.mark.timeout(3 * suites.TIMEOUT_S)
@pytest.mark.parametrize("file", [*filter(lambda one: "legacy" not in one, TESTCONTAINERS.files())])
def test_testcontainers_suite(engine: tuple[Path, list[str]], file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    can_run(TESTCONTAINERS_PYTHON, "RUNG_TESTCONTAINERS_PYTHON", "bcrypt", "pytest_mock", "pytest_timeout", "testcontainers")
    with_rungd(TESTCONTAINERS, TESTCONTAINERS_PYTHON, engine, file, monkeypatch)


def with_rungd(
    suite: Suite, python: str, engine: tuple[Path, list[str]], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a file's cases pass, or are known to fail."""
    socket, inside = engine
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    got = suite.run((*inside, python), file)
    assert got, f"no case has run: LOG=FILE tests/conformance/{suite.script} keeps what pytest said"
    assert [case for case, verdict in got.items() if verdict == "not ok" and (file, case) not in KNOWN] == []


def judge(suite: Suite, file: str, runtime: Path, reference: tuple[str | Path, ...]) -> None:
    """That a file's cases pass, are known to fail, or fail with the peer as well."""
    got = suite.run((runtime,), file)
    failed = [case for case, verdict in got.items() if verdict == "not ok" and (file, case) not in KNOWN]
    if failed:
        peer = suite.run(reference, file)
        assert [case for case in failed if peer.get(case) == "ok"] == []
    stale = [case for known_file, case in KNOWN if known_file == file and got.get(case, "not ok") == "ok"]
    assert stale == [], "these pass, and the page says that they do not"


def test_reading_tap() -> None:
    """As bats and crun's suite write it."""
    assert suites.cases(
        "1..3\nok 1 runc run [a # b]\nnot ok 2 tty # timeout after 60s\nok 3 v2 # skip test requires cgroups_v2\n"
        "not ok 1 - mount-ro # 0.017s\n# a line\nok 1 - domainname with syctl # 1.142s\nok 1 - x #SKIP not there # 0.001s\n"
    ) == {
        "runc run [a # b]": "ok",
        "tty": "not ok",
        "v2": "skip",
        "mount-ro": "not ok",
        "domainname with syctl": "ok",
        "x": "skip",
    }


def test_reading_the_page() -> None:
    page = "| file | case | why |\n|---|---|---|\n| a.bats | x [y\\|z] | it is so |\n| not a file | x | y |\n| b_c.py | d | e |\n"
    assert suites.known(page) == {("a.bats", "x [y|z]"): "it is so", ("b_c.py", "d"): "e"}


def test_a_file_that_ran_out_of_time_is_named() -> None:
    whole = "# a.bats\n1..2\nok 1 x\nok 2 y # skip\n# test_b.py\n1..1\nok 1 - z # 1.0s\n1..1\nnot ok 1 - w # timeout\n"
    assert tally.cut_short(whole) == []
    assert tally.cut_short("# a.bats\n1..9\nnot ok 1 x\n# c.bats\n1..1\nok 1 x\n") == ["a.bats ends after 1 of 9 cases"]


def test_what_a_file_has_left_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    """A session of its own, which no signal to the file's process group would reach; 124 is how timeout(1) ends."""
    left = f"setsid sh -c 'echo $$ > {tmp_path}/pid; kill -STOP $$' &\nuntil [ -s {tmp_path}/pid ]; do sleep 0.1; done"
    ended = subprocess.run([sys.executable, suites.HERE / "reaping.py", "sh", "-c", f"{left}; exit 124"], check=False)
    assert ended.returncode == 124
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
