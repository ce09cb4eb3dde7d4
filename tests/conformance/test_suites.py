"""runc's and crun's own suites pass wherever they pass with their own runtime, but for what the page names."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import suites
from .suites import CRUN, ONLY_V1, RUNC, Suite

KNOWN = suites.known(suites.PAGE.read_text())


@pytest.mark.parametrize("suite", [RUNC, CRUN], ids=lambda suite: suite.peer)
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
