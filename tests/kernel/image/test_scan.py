"""``rung image scan`` on images in a store, with databases built from files."""

from __future__ import annotations

import io
import json
import lzma
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import scanparts
from imageparts import Parts, Registry, archive, entry
from rung.cli.main import execute
from rung.image import Store
from rung.image.scan.version import compare

Run = Callable[..., tuple[int, str, str]]
SECURITY = "http://deb.debian.org/debian-security"
VULNERABLE = ("libssl3", "3.0.11-1~deb12u1", "openssl")


@pytest.fixture
def run(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``rung image scan ...``: status, output, errors. The store has an image ``old`` of two layers."""
    monkeypatch.chdir(tmp_path)
    layers = [
        scanparts.debian_layer(("bash", "5.2.15-2")),
        archive(
            entry("var/lib/dpkg/status", scanparts.dpkg_status(("bash", "5.2.15-2"), VULNERABLE)),
            entry("usr/bin/tool", scanparts.go_inline(), mode=0o755),
            entry("app/node_modules/left-pad/package.json", b'{"name": "left-pad", "version": "1.0.0"}'),
        ),
    ]
    registry = Registry()
    root = ["--data-root", str(place / "store")]
    try:
        reference = registry.serve(Parts(layers))
        assert execute([*root, "image", "pull", "-q", "--insecure", reference]) == 0
    finally:
        registry.close()
    assert execute([*root, "image", "tag", reference, "old"]) == 0
    capsys.readouterr()

    def call(*words: str) -> tuple[int, str, str]:
        status = execute([*root, "image", "scan", *words])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def feeds(tmp_path: Path) -> str:
    place = tmp_path / "feeds"
    tracker = scanparts.tracker(bookworm=scanparts.resolved("3.0.15-1~deb12u1", "high"))
    scanparts.write_json(place / "tracker.json", tracker)
    go = scanparts.osv("GO-1", "Go", "golang.org/x/net", {"introduced": "0"}, {"fixed": "0.8.0"}, aliases=["CVE-2024-7"])
    npm = scanparts.osv("GHSA-1", "npm", "left-pad", {"introduced": "0"}, database_specific={"severity": "LOW"})
    scanparts.write_json(place / "osv.json", [go, npm])
    return str(place)


def findings(out: str) -> list[tuple[str, str, str, str]]:
    results = json.loads(out)["Results"]
    found = [one for result in results for one in result.get("Vulnerabilities", ())]
    return [(one["VulnerabilityID"], one["PkgName"], one.get("FixedVersion", ""), one["Severity"]) for one in found]


def test_a_vulnerable_openssl_is_found_with_its_fix_and_its_layer(run: Run, feeds: str) -> None:
    status, out, _ = run("--update", "--from", feeds)
    assert (status, out) == (0, f"{feeds}: 3 advisories (Debian security tracker, OSV)\n")
    status, out, err = run("old")
    assert (status, err) == (0, "")
    row = next(line for line in out.splitlines() if "CVE-2024-0001" in line).split()
    assert row[:7] == ["libssl3", "3.0.11-1~deb12u1", "3.0.15-1~deb12u1", "deb", "CVE-2024-0001", "HIGH", "1"]
    status, out, _ = run("old", "--json")
    assert findings(out) == [
        ("CVE-2024-0001", "libssl3", "3.0.15-1~deb12u1", "HIGH"),
        ("CVE-2024-7", "golang.org/x/net", "0.8.0", "UNKNOWN"),
        ("GHSA-1", "left-pad", "", "LOW"),
    ]


def test_the_exit_code_is_for_what_counts(run: Run, feeds: str, tmp_path: Path) -> None:
    assert run("--update", "--from", feeds)[0] == 0
    assert run("old", "--exit-code", "3")[0] == 3
    assert run("old", "--exit-code", "3", "--severity", "CRITICAL")[0] == 0
    assert run("old", "--exit-code", "3", "--severity", "LOW")[0] == 3
    assert run("old", "--exit-code", "3", "--severity", "LOW", "--ignore-unfixed")[0] == 0
    (tmp_path / ".rungignore").write_text("CVE-2024-0001\nGHSA-1\nGO-1  # an alias\n")
    assert run("old", "--exit-code", "3")[0] == 0
    (tmp_path / "other").write_text("GHSA-1\n")
    assert run("old", "--exit-code", "3", "--ignorefile", "other")[0] == 3


def test_the_command_line_says_what_it_lacks(run: Run, feeds: str) -> None:
    status, _, err = run("old")
    assert (status, "there is no vulnerability database (rung image scan --update" in err) == (1, True)
    assert run()[2] == "rung: scan: needs an image (rung image scan IMAGE)\n"
    assert "goes with --update" in run("old", "--from", feeds)[2]
    assert "NASTY is no severity" in run("old", "--severity", "NASTY")[2]


def test_packages_and_bills_need_no_database(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("old", "--packages")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[3:]] == [
        "bash", "libssl3", "example.org/tool", "github.com/new/fork", "golang.org/x/net", "stdlib", "left-pad",
    ]  # fmt: skip
    for format, key in (("cyclonedx", "components"), ("spdx-json", "packages")):
        bill = tmp_path / f"{format}.json"
        assert run("old", "-f", format, "-o", str(bill)) == (0, "", "")
        urls = json.dumps(json.loads(bill.read_text())[key])
        assert "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12" in urls
        assert "pkg:golang/golang.org/x/net@v0.7.0" in urls


def test_a_bill_has_vulnerabilities_where_there_is_a_database(run: Run, feeds: str) -> None:
    run("--update", "--from", feeds)
    bill = json.loads(run("old", "--format", "cyclonedx")[1])
    assert sorted(one["id"] for one in bill["vulnerabilities"]) == ["CVE-2024-0001", "CVE-2024-7", "GHSA-1"]
    sarif = json.loads(run("old", "--format", "sarif")[1])
    assert len(sarif["runs"][0]["results"]) == 3


def test_what_the_database_was_built_from(run: Run, feeds: str) -> None:
    assert run("--status")[1].split() == ["PLACE", "FORMAT", "ADVISORIES", "UPDATED"]
    run("--update", "--from", feeds)
    assert run("--status")[1].splitlines()[1].startswith(f"{feeds}   Debian security tracker, OSV   3 ")


def test_old_debian_against_its_security_archive(
    run: Run, place: Path, tmp_path: Path, outside_network: Callable[[], AbstractContextManager[None]]
) -> None:
    """The real thing: openssl as Debian 12.0 had it, against what its security archive has today."""
    suite = "dists/bookworm-security/main/binary-amd64/Packages.xz"
    with outside_network():
        index = fetch(f"{SECURITY}/{suite}")
        source = fetch(f"{SECURITY}/{field(stanza(index, 'openssl'), 'Filename')}")
    feeds = tmp_path / "security"
    (feeds / suite).parent.mkdir(parents=True)
    (feeds / suite).write_bytes(index)
    (feeds / "openssl.deb").write_bytes(source)
    layer = scanparts.debian_layer(("libssl3", "3.0.9-1", "openssl"), ("libexpat1", "2.5.0-1", "expat"))
    with Store(str(place / "store")) as store:
        store.import_(io.BytesIO(layer), "bookworm")
    assert run("--update", "--from", str(feeds))[0] == 0
    found = {(name, cve): fixed for cve, name, fixed, _ in findings(run("bookworm", "--json")[1])}
    # DSA-5532-1, and a point release: what Debian's tracker says of both.
    assert found["libssl3", "CVE-2023-5363"] == "3.0.11-1~deb12u2"
    assert found["libssl3", "CVE-2024-5535"] == "3.0.15-1~deb12u1"
    # expat's changelog is not there; that there is an update is.
    assert compare("deb", found["libexpat1", "bookworm-security/expat"], "2.5.0-1+deb12u1") >= 0


def fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        pytest.skip(f"needs Debian's archive: {url}: {error}")


def stanza(index: bytes, package: str) -> str:
    text = lzma.decompress(index).decode()
    start = f"\n{text}".find(f"\nPackage: {package}\n")
    if start < 0:
        pytest.skip(f"the archive has no {package}")
    return text[start : text.index("\n\n", start)]


def field(paragraph: str, name: str) -> str:
    return next(line for line in paragraph.splitlines() if line.startswith(f"{name}: ")).split()[1]
