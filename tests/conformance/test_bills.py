"""Bills of materials, read and judged by CycloneDX's own library."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import scanparts
from imageparts import archive, entry
from rung.cli.main import execute
from rung.image import Store

with warnings.catch_warnings():  # of its dependencies'
    warnings.simplefilter("ignore")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A store with an image that has packages of every kind, and a database that knows some."""
    status = scanparts.dpkg_status(("libssl3", "1:3.0.9-1+b1", "openssl (1:3.0.9-1)"), ("g++", "4:12.2.0-3"))
    layer = archive(
        entry("etc/os-release", scanparts.OS_RELEASE),
        entry("var/lib/dpkg/status", status),
        entry("var/lib/rpm/Packages.db", scanparts.rpm_ndb(scanparts.rpm_header("bash", "5.1.8", "6.el9", epoch=2))),
        entry("lib/apk/db/installed", b"P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\n"),
        entry("usr/bin/tool", scanparts.go_inline(), mode=0o755),
        entry("app/node_modules/@a/b/package.json", b'{"name": "@a/b", "version": "1.0.0-rc.1+x", "license": "ISC"}'),
        entry("opt/x.dist-info/METADATA", "Name: Some_Package\nVersion: 1!2.0\nLicense: wei\xdf nicht\n".encode()),
    )
    place = str(tmp_path / "store")
    (tmp_path / "layer.tar").write_bytes(layer)
    with Store(place) as store, open(tmp_path / "layer.tar", "rb") as file:
        store.import_(file, "mixed")
    tracker = scanparts.write_json(tmp_path / "t.json", scanparts.tracker(bookworm=scanparts.resolved("1:3.0.11-1", "high")))
    assert execute(["--data-root", place, "image", "scan", "--update", "--from", str(tracker)]) == 0
    return place


@pytest.mark.parametrize(
    ("format", "version"), [("cyclonedx", SchemaVersion.V1_6), ("cyclonedx-1.5", SchemaVersion.V1_5)]
)
def test_the_bill_is_valid(root: str, tmp_path: Path, format: str, version: SchemaVersion) -> None:
    bill = tmp_path / "bill.json"
    assert execute(["--data-root", root, "image", "scan", "-f", format, "-o", str(bill), "mixed"]) == 0
    text = bill.read_text()
    assert '"CVE-2024-0001"' in text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert JsonStrictValidator(version).validate_str(text) is None
        assert JsonStrictValidator(version).validate_str(text.replace('"type": "library"', '"type": "book"')) is not None


def test_package_urls_are_read_as_they_are_meant(root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    capsys.readouterr()
    assert execute(["--data-root", root, "image", "scan", "--json", "mixed"]) == 0
    results = json.loads(capsys.readouterr().out)["Results"]
    urls = [package["Identifier"]["PURL"] for result in results for package in result["Packages"]]
    read = {url.type + " " + url.name: url for url in map(PackageURL.from_string, urls)}
    assert read["deb libssl3"].version == "1:3.0.9-1+b1"
    assert read["deb libssl3"].namespace == "debian"
    assert read["deb libssl3"].qualifiers == {"arch": "amd64", "distro": "debian-12"}
    assert read["deb g++"].version == "4:12.2.0-3"
    assert (read["rpm bash"].version, read["rpm bash"].qualifiers["epoch"]) == ("5.1.8-6.el9", "2")
    assert (read["npm b"].namespace, read["npm b"].version) == ("@a", "1.0.0-rc.1+x")
    assert read["pypi some-package"].version == "1!2.0"
    assert (read["golang net"].namespace, read["golang net"].version) == ("golang.org/x", "v0.7.0")
