"""A scan as table, JSON, SARIF, CycloneDX and SPDX: what their schemas require is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rung.image.errors import ScanError
from rung.image.layer.listing import Layer
from rung.image.scan.match import Finding
from rung.image.scan.packages import OsRelease, Package
from rung.image.scan.purl import purl
from rung.image.scan.report.licence import is_expression
from rung.image.scan.scanned import Scanned
from rung.spec.image import Digest

DEBIAN = OsRelease("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
LAYERS = tuple(Layer(i, Digest.of(b"blob%d" % i), Digest.of(b"tar%d" % i), 10, "", "") for i in range(2))
STATUS = b"var/lib/dpkg/status"
OPENSSL = Package(kind="deb", name="libssl3", version="3.0.9-1", path=STATUS, source="openssl", source_version="3.0.9-1",
                  architecture="amd64", supplier="Debian OpenSSL Team <x@example.org>", layer=1)  # fmt: skip
PACKAGES = (
    OPENSSL,
    Package(kind="pypi", name="Some_Package", version="1.0", path=b"usr/lib/x/METADATA", licence="MIT"),
    Package(kind="pypi", name="Some_Package", version="1.0", path=b"opt/x/METADATA", licence="see \xff LICENSE"),
    Package(kind="npm", name="@a/b", version="1.0.0", path=b"app/\xff/package.json"),
    Package(kind="golang", name="github.com/A/b", version="v1.0.0+incompatible", path=b"usr/bin/tool"),
)
FINDINGS = (
    Finding("CVE-2024-1", OPENSSL, "3.0.11-1~deb12u2", "fixed", "HIGH", "a flaw\x1b[2J", "https://example.org/1",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, ("DSA-1",)),
    Finding("CVE-2024-1", PACKAGES[1], "", "affected", "UNKNOWN"),
    Finding("CVE-2024-2", PACKAGES[4], "", "affected", "LOW"),
)  # fmt: skip


def scanned(**fields: Any) -> Scanned:
    digest = str(Digest.of(b"manifest"))
    values: dict[str, Any] = {
        "name": "some/image:1", "id": str(Digest.of(b"config")), "digest": digest, "repository": "some/image",
        "architecture": "linux/amd64", "layers": LAYERS, "os": DEBIAN, "packages": PACKAGES, "notes": (),
        "findings": FINDINGS, "moment": "2026-01-02T03:04:05Z", **fields,
    }  # fmt: skip
    return Scanned(**values)


def value(format: str, **fields: Any) -> Any:
    return json.loads(scanned(**fields).render(format))


@pytest.mark.parametrize(
    ("package", "system", "url"),
    [
        (OPENSSL, DEBIAN, "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12"),
        (OPENSSL.replace(version="1:1.0+dfsg~rc1"), DEBIAN, "pkg:deb/debian/libssl3@1:1.0%2Bdfsg~rc1?arch=amd64&distro=debian-12"),
        (Package(kind="apk", name="musl", version="1.2.4-r2", path=b"", architecture="x86_64"), OsRelease("alpine", "3.18.4"),
         "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18.4"),
        (Package(kind="rpm", name="openssl-libs", version="1:3.0.7-6.el9_2", path=b"", architecture="x86_64"), OsRelease("rhel", "9.2"),
         "pkg:rpm/redhat/openssl-libs@3.0.7-6.el9_2?arch=x86_64&distro=rhel-9.2&epoch=1"),
        (Package(kind="deb", name="a", version="1", path=b""), None, "pkg:deb/a@1"),
        (PACKAGES[1], DEBIAN, "pkg:pypi/some-package@1.0"),
        (PACKAGES[3], DEBIAN, "pkg:npm/%40a/b@1.0.0"),
        (PACKAGES[4], DEBIAN, "pkg:golang/github.com/a/b@v1.0.0%2Bincompatible"),
        (Package(kind="golang", name="stdlib", version="v1.21.3", path=b""), None, "pkg:golang/stdlib@v1.21.3"),
    ],
)  # fmt: skip
def test_package_urls(package: Package, system: OsRelease | None, url: str) -> None:
    assert purl(package, system) == url


def test_table() -> None:
    text = scanned().render("table")
    lines = text.splitlines()
    assert lines[:2] == [
        "some/image:1 (Debian GNU/Linux 12 (bookworm)): 5 packages",
        "Total: 3 (UNKNOWN: 1, LOW: 1, MEDIUM: 0, HIGH: 1, CRITICAL: 0)",
    ]
    assert lines[4].split()[:7] == ["libssl3", "3.0.9-1", "3.0.11-1~deb12u2", "deb", "CVE-2024-1", "HIGH", "1"]
    assert lines[5].split()[2] == "(affected)"
    assert "\x1b" not in text
    packages = scanned(findings=None).render("table").splitlines()
    assert packages[3].split() == ["libssl3", "3.0.9-1", "deb", "1", "/var/lib/dpkg/status"]
    assert scanned(findings=(), packages=(), os=None).render("table").splitlines()[0] == "some/image:1 (no operating system): 0 packages"


def test_json_is_trivys() -> None:
    document = value("json")
    assert (document["SchemaVersion"], document["ArtifactType"]) == (2, "container_image")
    assert document["Metadata"]["OS"] == {"Family": "debian", "Name": "12"}
    targets = [(result["Target"], result["Class"], result["Type"]) for result in document["Results"]]
    assert targets == [
        ("some/image:1 (debian 12)", "os-pkgs", "debian"),
        ("Python", "lang-pkgs", "python-pkg"),
        ("Node.js", "lang-pkgs", "node-pkg"),
        ("usr/bin/tool", "lang-pkgs", "gobinary"),
    ]
    (finding,) = document["Results"][0]["Vulnerabilities"]
    assert finding["PkgIdentifier"] == {"PURL": "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12"}
    assert finding["Layer"] == {"Digest": str(LAYERS[1].digest), "DiffID": str(LAYERS[1].diff_id)}
    assert (finding["VulnerabilityID"], finding["FixedVersion"], finding["Severity"]) == ("CVE-2024-1", "3.0.11-1~deb12u2", "HIGH")
    assert "FixedVersion" not in document["Results"][1]["Vulnerabilities"][0]


def test_sarif() -> None:
    document = value("sarif")
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["CVE-2024-1", "CVE-2024-2"]
    assert rules[0]["properties"]["security-severity"] == "7.5"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert [result["level"] for result in run["results"]] == ["error", "note", "note"]


@pytest.mark.parametrize(("format", "version"), [("cyclonedx", "1.6"), ("cyclonedx-1.5", "1.5")])
def test_cyclonedx(format: str, version: str) -> None:
    document = value(format)
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", version, 1)
    assert document["serialNumber"].startswith("urn:uuid:")
    components = [document["metadata"]["component"], *document["components"]]
    for component in components:
        assert component["type"] and component["name"]
    references = [component["bom-ref"] for component in components]
    assert len(set(references)) == len(references) == 7
    for dependency in document["dependencies"]:
        assert {dependency["ref"], *dependency["dependsOn"]} <= set(references)
    assert [component.get("licenses") for component in document["components"][2:4]] == [
        [{"expression": "MIT"}],
        [{"license": {"name": "see \xff LICENSE"}}],
    ]
    first = document["vulnerabilities"][0]
    assert (first["id"], first["ratings"][0]["severity"], first["ratings"][0]["score"]) == ("CVE-2024-1", "high", 7.5)
    assert len(first["affects"]) == 2
    assert {one["ref"] for one in first["affects"]} <= set(references)
    assert value(format) == document
    assert "vulnerabilities" not in value(format, findings=None)


def test_spdx() -> None:
    document = value("spdx-json")
    for field in ("SPDXID", "creationInfo", "dataLicense", "name", "spdxVersion", "documentNamespace"):
        assert document[field]
    assert document["creationInfo"]["created"] == "2026-01-02T03:04:05Z"
    identifiers = [package["SPDXID"] for package in document["packages"]]
    assert len(set(identifiers)) == len(identifiers) == 7
    for package in document["packages"]:
        assert package["name"] and package["downloadLocation"] == "NOASSERTION"
        assert set(package["SPDXID"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
    for relationship in document["relationships"]:
        assert relationship["spdxElementId"] in (*identifiers, "SPDXRef-DOCUMENT")
        assert relationship["relatedSpdxElement"] in identifiers
    assert document["packages"][3]["licenseDeclared"] == "MIT"
    assert value("spdx-json", digest=str(Digest.of(b"other")))["documentNamespace"] != document["documentNamespace"]


@pytest.mark.parametrize("format", ["json", "sarif", "cyclonedx", "spdx-json"])
def test_an_image_without_anything(format: str) -> None:
    assert value(format, packages=(), findings=(), os=None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("MIT", True), ("Apache-2.0 OR MIT", True), ("(MIT AND ISC) OR Zlib", True), ("MIT OR", False), ("", False),
     ("BSD", False), ("MIT ISC", False), ("(MIT", False), ("MIT)", False), ("GPL", False)],
)  # fmt: skip
def test_licence_expressions(text: str, answer: bool) -> None:
    assert is_expression(text) is answer


def test_a_format_that_is_none() -> None:
    with pytest.raises(ScanError, match="--format xml: is not known"):
        scanned().render("xml")
