"""Which version is newer, by each ecosystem's rules."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.image.scan.version import compare

#: Each list from old to new.
ORDERED = {
    "deb": [
        ["1.0~rc1", "1.0~rc1-1", "1.0", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a", "1.0+dfsg", "1.1", "1.10", "1:0.1"],
        ["3.0.11-1~deb12u1", "3.0.11-1~deb12u2", "3.0.11-1", "3.0.15-1~deb12u1"],
        ["1.1.1n-0+deb11u3", "1.1.1n-0+deb11u4", "1.1.1w-0+deb11u1"],
        ["2.0", "2.a", "2.+"],
    ],
    "rpm": [
        ["1.0~rc1-1", "1.0-1", "1.0^git1-1", "1.0.1-1", "1.1-1", "1.10-1", "1:0.5-1"],
        ["1.0.2k-21.el7_9", "1.0.2k-24.el7_9"],
        ["1.a", "1.1"],
        ["3.0.7-6.el9_2", "3.0.7-24.el9", "3.0.7-25.el9_3"],
    ],
    "apk": [
        ["1.0_alpha", "1.0_alpha2", "1.0_beta", "1.0_pre1", "1.0_rc1", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1"],
        ["3.1.4-r5", "3.1.4-r6", "3.1.10-r0"],
        ["1.01", "1.1"],
        ["0.1_git20200101", "0.1_git20210101-r3"],
    ],
    "pypi": [
        ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0+local", "1.0+1", "1.0.post1", "1.1", "1!0.1"],
        ["2.0", "2.9", "2.10"],
    ],
    "npm": [
        ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    ],
    "golang": [
        ["v0.0.0-20190308221718-c2843e01d9a2", "v0.0.0-20200622213623-75b288015ac9", "v0.1.0", "v0.10.0", "v1.0.0"],
    ],
}  # fmt: skip
EQUAL = {
    "deb": [("1.0", "0:1.0"), ("1.0-0", "1.0"), ("1.00", "1.0"), ("1.0-1", "1.0-01")],
    "rpm": [("1.0-1", "1.00-1"), ("1.0", "1.0-7"), ("0:2-1", "2-1"), ("1_0-1", "1.0-1")],
    "apk": [("1.2-r0", "1.2-r0"), ("02.1", "2.1")],
    "pypi": [("1.0", "1"), ("1.0.RC-1", "1.0rc1"), ("v1.0", "1.0"), ("1.0-1", "1.0.post1"), ("1.0+a.b", "1.0+A_b")],
    "npm": [("1.0.0", "v1.0.0"), ("1.0.0+build", "1.0.0"), ("1", "1.0.0")],
    "golang": [("v2.0.0+incompatible", "2.0.0")],
}


@pytest.mark.parametrize("kind", ORDERED)
def test_order(kind: str) -> None:
    for versions in ORDERED[kind]:
        for older, newer in combinations(versions, 2):
            assert compare(kind, older, newer) == -1, (older, newer)
            assert compare(kind, newer, older) == 1, (newer, older)


@pytest.mark.parametrize("kind", EQUAL)
def test_equal(kind: str) -> None:
    for one, other in EQUAL[kind]:
        assert compare(kind, one, other) == compare(kind, other, one) == 0, (one, other)


@pytest.mark.parametrize("kind", ORDERED)
@given(st.lists(st.text("0123456789abrcpost.-+~^_:v!", max_size=12), min_size=3, max_size=3))
@settings(max_examples=150, deadline=None)
def test_whatever_is_compared_there_is_an_answer_and_its_opposite(kind: str, texts: list[str]) -> None:
    one, other, _ = texts
    assert compare(kind, one, one) == 0
    assert compare(kind, one, other) == -compare(kind, other, one)


VERSIONS = st.builds(
    "{}{}".format, st.sampled_from("0123456789"), st.text("0123456789abz~+.-", max_size=8).map(lambda s: s.rstrip("-"))
)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
@given(VERSIONS, VERSIONS)
@settings(max_examples=40, deadline=None)
def test_dpkg_agrees(one: str, other: str) -> None:
    expected = {-1: "lt", 0: "eq", 1: "gt"}[compare("deb", one, other)]
    assert subprocess.run(["dpkg", "--compare-versions", one, expected, other], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("rpm") is None, reason="needs rpm: apt-get install rpm")
def test_rpm_agrees() -> None:
    parts = ["1", "01", "10", "a", "b", "rc", "~", "^", ".", "+", "_"]
    versions = ["1" + a + b + c for a in parts for b in parts for c in ("", "1", "~", "^2")][::3]
    pairs = list(zip(versions, reversed(versions))) + list(zip(versions, versions[7:] + versions[:7]))
    lua = "".join(f'print(rpm.vercmp("{one}", "{other}") .. " ")' for one, other in pairs)
    run = subprocess.run(["rpm", "--eval", "%{lua:" + lua + "}"], capture_output=True, text=True, check=True)
    assert [compare("rpm", one, other) for one, other in pairs] == list(map(int, run.stdout.split()))
