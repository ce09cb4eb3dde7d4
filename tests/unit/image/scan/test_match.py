"""Which vulnerabilities a package has, by what feeds say; and which of them count."""

from __future__ import annotations

import pytest

from rung.errors import RungError
from rung.image.scan.advisory import NEVER, UPDATE, Advisory, Affected
from rung.image.scan.choose import Choice, parse_ignored, parse_severities
from rung.image.scan.database.database import Known
from rung.image.scan.match import Finding, match
from rung.image.scan.packages import OsRelease, Package

BOOKWORM = OsRelease("debian", "12", "bookworm")


class Lookup:
    """The database, of rows made here."""

    def __init__(self, *rows: Known) -> None:
        self.rows = rows

    def known(self, ecosystem: str, package: str) -> list[Known]:
        return [row for row in self.rows if (row.affected.ecosystem, row.affected.package) == (ecosystem, package)]

    def severities(self, cve: str) -> list[tuple[str, str, float]]:
        found = [row.advisory for row in self.rows if row.advisory.cve == cve and row.advisory.severity]
        return [(one.severity, one.vector, one.score) for one in found]


def row(cve: str, affected: Affected, rank: int = 0, **fields: object) -> Known:
    return Known(Advisory(**{"id": cve, "cve": cve, "affected": (), **fields}), affected, rank)


def deb(version: str, name: str = "openssl", **fields: str) -> Package:
    return Package(kind="deb", name=name, version=version, path=b"var/lib/dpkg/status", **fields)


def found(package: Package, *rows: Known, system: OsRelease | None = BOOKWORM) -> list[tuple[str, str, str]]:
    return [(one.id, one.fixed, one.severity) for one in match([package], system, Lookup(*rows))]


FIXED = Affected("debian:12", "openssl", fixed="3.0.11-1~deb12u2", status="fixed", severity="HIGH")


@pytest.mark.parametrize(
    ("version", "hit"),
    [("3.0.11-1~deb12u1", True), ("3.0.9-1", True), ("3.0.11-1~deb12u2", False), ("3.0.11-1", False), ("3.0.2-9", True)],
)
def test_older_than_the_fix(version: str, hit: bool) -> None:
    assert found(deb(version), row("CVE-1", FIXED)) == ([("CVE-1", "3.0.11-1~deb12u2", "HIGH")] if hit else [])


def test_debians_versions_are_the_sources() -> None:
    package = deb("3.0.11-1~deb12u1+b7", "libssl3", source="openssl", source_version="3.0.11-1~deb12u1")
    assert found(package, row("CVE-1", FIXED)) == [("CVE-1", "3.0.11-1~deb12u2", "HIGH")]
    # A package of that name from another source is another package.
    assert found(deb("1", "openssl", source="other"), row("CVE-1", FIXED)) == []


def test_other_releases_and_systems_say_nothing() -> None:
    assert found(deb("1"), row("CVE-1", FIXED), system=OsRelease("debian", "11")) == []
    assert found(deb("1"), row("CVE-1", FIXED), system=OsRelease("alpine", "3.18.0")) == []
    assert found(deb("1"), row("CVE-1", FIXED), system=None) == []


@pytest.mark.parametrize(
    ("affected", "hits"),
    [
        ({"introduced": "1.2", "fixed": "1.10"}, ["1.2", "1.9.9", "1.10rc1"]),
        ({"introduced": "1.2", "last": "1.10"}, ["1.2", "1.9.9", "1.10rc1", "1.10"]),
        ({"introduced": "1.10"}, ["1.10", "2.0"]),
        ({"versions": ("1.10.0", "2")}, ["1.10", "2.0"]),
        ({"fixed": NEVER}, []),
    ],
)
def test_ranges(affected: dict[str, object], hits: list[str]) -> None:
    known = row("CVE-1", Affected("pypi", "some-package", **affected))
    versions = ["1.0", "1.2", "1.9.9", "1.10rc1", "1.10", "2.0"]
    packages = [Package(kind="pypi", name="Some_Package", version=version, path=b"x") for version in versions]
    assert sorted(one.package.version for one in match(packages, None, Lookup(known))) == sorted(hits)


def test_who_knows_best_decides() -> None:
    never = row("CVE-1", Affected("debian:12", "openssl", fixed=NEVER, status="fixed"), rank=0)
    osv = row("CVE-1", Affected("debian:12", "openssl", fixed="4", status="fixed"), rank=1)
    changelog = row("CVE-2", Affected("debian:12", "openssl", fixed="3.1", status="fixed"), rank=2)
    assert found(deb("3"), osv, never) == []
    assert found(deb("3"), osv, changelog) == [("CVE-1", "4", "UNKNOWN"), ("CVE-2", "3.1", "UNKNOWN")]


def test_a_severity_may_come_from_elsewhere() -> None:
    tracker = row("CVE-1", Affected("debian:12", "openssl", fixed="4", severity="UNKNOWN"))
    elsewhere = row("CVE-1", Affected("pypi", "x"), 1, severity="CRITICAL", score=9.8, vector="CVSS:3.1/...")
    assert found(deb("3"), tracker, elsewhere) == [("CVE-1", "4", "CRITICAL")]


def test_that_there_is_an_update_counts_where_nothing_else_is_known() -> None:
    update = row("s/openssl", Affected("debian:12", "openssl", fixed="4", status=UPDATE), rank=3)
    (only,) = match([deb("3")], BOOKWORM, Lookup(update))
    assert (only.id, only.status, only.fixed) == ("s/openssl", UPDATE, "4")
    assert found(deb("3"), update, row("CVE-1", FIXED.replace(fixed="4"))) == [("CVE-1", "4", "HIGH")]


def test_rpms_by_package_or_source() -> None:
    rocky = OsRelease("rocky", "9.3")
    package = Package(kind="rpm", name="openssl-libs", version="1:3.0.7-6.el9_2", path=b"p", source="openssl")
    for name in ("openssl", "openssl-libs"):
        affected = Affected("rocky:9", name, fixed="1:3.0.7-24.el9", status="fixed")
        assert found(package, row("CVE-1", affected), system=rocky) == [("CVE-1", "1:3.0.7-24.el9", "UNKNOWN")]


def test_go_programs_without_a_version() -> None:
    known = row("CVE-1", Affected("golang", "example.org/tool"))
    for version, count in (("(devel)", 0), ("", 0), ("v1.0.0", 1)):
        package = Package(kind="golang", name="example.org/tool", version=version, path=b"p")
        assert len(found(package, known)) == count


def test_the_worst_come_first() -> None:
    rows = [row(f"CVE-{word}", FIXED.replace(severity=word)) for word in ("LOW", "CRITICAL", "UNKNOWN", "MEDIUM")]
    assert [one[2] for one in found(deb("1"), *rows)] == ["CRITICAL", "MEDIUM", "LOW", "UNKNOWN"]


def test_choosing() -> None:
    findings = [
        Finding("CVE-1", deb("1"), "2", "fixed", "HIGH", aliases=("GHSA-1",)),
        Finding("CVE-2", deb("1"), "", "affected", "HIGH"),
        Finding("CVE-3", deb("1"), "2", "fixed", "LOW"),
    ]

    def left(**fields: object) -> list[str]:
        return [finding.id for finding in Choice(**fields).of(findings)]

    assert left() == ["CVE-1", "CVE-2", "CVE-3"]
    assert left(severities=parse_severities("high, critical")) == ["CVE-1", "CVE-2"]
    assert left(ignore_unfixed=True) == ["CVE-1", "CVE-3"]
    assert left(ignored=frozenset(["GHSA-1", "CVE-3"])) == ["CVE-2"]


def test_an_ignore_file() -> None:
    text = "# decided\nCVE-1\n\n  CVE-2 exp:2026-01-31 # until then\nCVE-3 exp:2025-12-31\n"
    assert parse_ignored(text, "2026-01-31") == {"CVE-1", "CVE-2"}
    with pytest.raises(RungError, match="line 1: 'soon' is no date"):
        parse_ignored("CVE-1 exp:soon", "2026-01-31")


@pytest.mark.parametrize("text", ["HIGH,TERRIBLE", ",", "terrible"])
def test_severities_that_are_none(text: str) -> None:
    with pytest.raises(RungError, match="is no severity"):
        parse_severities(text)
