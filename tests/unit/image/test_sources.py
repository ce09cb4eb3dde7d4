"""Where a distribution's packages come from."""

from __future__ import annotations

import pytest

from rung.image.bootstrap.sources import DEBIAN, UBUNTU, archives, mirrors_of, parse_name
from rung.image.errors import BootstrapError

DEB822 = """# a comment
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN
 .

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
"""
ONE_LINE = """deb [arch=amd64 signed-by=/x] http://a.example/debian/ trixie main # comment
# deb http://no.example trixie main
deb-src http://no.example trixie main
deb http://a.example/debian-security trixie-security main
"""


def test_reads_both_formats() -> None:
    assert mirrors_of(DEB822, deb822=True) == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://mirror.example/security", "bookworm-security"),
    ]
    assert mirrors_of(ONE_LINE, deb822=False) == [
        ("http://a.example/debian", "trixie"),
        ("http://a.example/debian-security", "trixie-security"),
    ]


def test_takes_the_machine_s_mirrors_of_the_same_distribution() -> None:
    mirrors = mirrors_of(DEB822, deb822=True)
    assert archives(DEBIAN, "trixie", mirrors, "") == [
        "http://mirror.example/debian trixie main",
        "http://mirror.example/debian trixie-updates main",
        "http://mirror.example/security trixie-security main",
    ]
    assert archives(UBUNTU, "noble", mirrors, "")[0] == "http://archive.ubuntu.com/ubuntu noble main universe"


def test_a_named_mirror_wins_and_files_are_not_taken() -> None:
    assert archives(DEBIAN, "sid", [("http://m/debian", "sid")], "http://mine/debian") == ["http://mine/debian sid main"]
    assert archives(DEBIAN, "sid", [("file:/srv/x", "sid")], "") == ["http://deb.debian.org/debian sid main"]


def test_names() -> None:
    assert parse_name("debian") == (DEBIAN, "trixie", False)
    assert parse_name("debian:12-slim") == (DEBIAN, "bookworm", True)
    assert parse_name("ubuntu:24.04") == (UBUNTU, "noble", False)
    for name in ("fedora:40", "debian:potato", "debian:../x", ""):
        with pytest.raises(BootstrapError, match="known are"):
            parse_name(name)
