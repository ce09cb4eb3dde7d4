"""The published formats, and the database that is built from them."""

from __future__ import annotations

import gzip
import json
import lzma
import sqlite3
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import scanparts
from imageparts import archive, entry
from rung.image.errors import ScanError
from rung.image.scan import ecosystem, severity
from rung.image.scan.advisory import Affected
from rung.image.scan.database import osv
from rung.image.scan.database.database import Database
from rung.image.scan.database.places import documents
from rung.image.scan.packages import OsRelease


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "db/vulnerabilities.db"))


def known(database: Database, world: str, package: str) -> list[tuple[str, str, str, str]]:
    """``(CVE, fixed, status, severity)`` of each range."""
    with database.lookup() as lookup:
        rows = lookup.known(world, package)
    return [(row.advisory.cve, row.affected.fixed, row.affected.status, row.affected.severity) for row in rows]


def test_the_debian_tracker(database: Database, tmp_path: Path) -> None:
    value = scanparts.tracker(
        bookworm=scanparts.resolved("3.0.11-1~deb12u1", "medium"),
        bullseye={"status": "open", "urgency": "low**", "nodsa": "Minor issue", "nodsa_reason": ""},
        buster={"status": "open", "urgency": "end-of-life"},
        trixie=scanparts.resolved("0"),
        sid={"status": "undetermined", "urgency": "not yet assigned"},
        forky={"status": "open", "urgency": "high", "nodsa": "x", "nodsa_reason": "postponed"},
    )
    feed = database.update(str(scanparts.write_json(tmp_path / "tracker.json", value)))
    assert (feed.formats, feed.advisories) == (("Debian security tracker",), 1)
    cve = "CVE-2024-0001"
    assert known(database, "debian:12", "openssl") == [(cve, "3.0.11-1~deb12u1", "fixed", "MEDIUM")]
    assert known(database, "debian:11", "openssl") == [(cve, "", "will_not_fix", "LOW")]
    assert known(database, "debian:10", "openssl") == [(cve, "", "end_of_life", "UNKNOWN")]
    assert known(database, "debian:13", "openssl") == [(cve, "0", "fixed", "UNKNOWN")]
    assert known(database, "debian:sid", "openssl") == [(cve, "", "under_investigation", "UNKNOWN")]
    assert known(database, "debian:14", "openssl") == [(cve, "", "fix_deferred", "HIGH")]


def test_osv_in_a_zip(database: Database, tmp_path: Path) -> None:
    records = [
        scanparts.osv(
            "GHSA-x", "PyPI", "Some.Package", {"introduced": "0"}, {"fixed": "2.0"},
            aliases=["CVE-2024-1"], summary="A flaw", database_specific={"severity": "MODERATE"},
            references=[{"type": "WEB", "url": "https://example.org/w"}, {"type": "ADVISORY", "url": "https://example.org/a"}],
        ),
        scanparts.osv("GHSA-y", "npm", "@a/b", {"introduced": "1.0.0"}, {"last_affected": "1.2.0"},
                      severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]),
        scanparts.osv("GO-1", "Go", "stdlib", {"introduced": "0"}, {"fixed": "1.20.1"}),
        scanparts.osv("GHSA-gone", "PyPI", "some-package", {"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z"),
        scanparts.osv("RUSTSEC-1", "crates.io", "x", {"introduced": "0"}),
    ]  # fmt: skip
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as file:
        for record in records:
            file.writestr(f"{record['id']}.json", json.dumps(record))
    assert database.update(str(path)).advisories == 3
    with database.lookup() as lookup:
        (row,) = lookup.known("pypi", "some-package")
        assert (row.advisory.cve, row.advisory.id, row.advisory.aliases) == ("CVE-2024-1", "GHSA-x", ("GHSA-x",))
        assert (row.advisory.severity, row.advisory.url) == ("MEDIUM", "https://example.org/a")
        (row,) = lookup.known("npm", "@a/b")
        assert (row.advisory.severity, row.advisory.score) == ("CRITICAL", 9.8)
        assert (row.affected.introduced, row.affected.last) == ("1.0.0", "1.2.0")
        assert len(lookup.known("golang", "stdlib")) == 1


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        ([{"introduced": "0"}], [("", "", "")]),
        ([{"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}, {"fixed": "3"}], [("", "1", ""), ("2", "3", "")]),
        ([{"fixed": "1.10"}, {"introduced": "1.9"}], [("1.9", "1.10", "")]),
        ([{"introduced": "1"}, {"last_affected": "2"}], [("1", "", "2")]),
        ([{"introduced": "1"}, {"limit": "*"}], [("1", "", "")]),
        ([{"fixed": "1"}], []),
    ],
)
def test_osvs_events(events: list[dict[str, str]], spans: list[tuple[str, str, str]]) -> None:
    (advisory,) = list(osv.advisories(scanparts.osv("A", "PyPI", "p", *events))) or [None]
    found = [(one.introduced, one.fixed, one.last) for one in advisory.affected] if advisory else []
    assert found == spans


def test_osvs_versions_without_ranges() -> None:
    value = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "p"}, "versions": ["1", "2"]}]}
    (advisory,) = osv.advisories(value)
    assert advisory.affected == (Affected("pypi", "p", versions=("1", "2")),)


def test_osv_of_distributions() -> None:
    value = scanparts.osv("DEBIAN-CVE-2024-5", "Debian:12", "expat", {"introduced": "0"}, {"fixed": "2"}, upstream=["CVE-2024-5"])
    (advisory,) = osv.advisories(value)
    assert (advisory.cve, advisory.affected[0].ecosystem) == ("CVE-2024-5", "debian:12")
    value = scanparts.osv("USN-1", "Ubuntu:22.04:LTS", "x", {"introduced": "0"}, aliases=["CVE-1-1", "CVE-1-2"])
    (advisory,) = osv.advisories(value)
    assert (advisory.cve, advisory.aliases) == ("USN-1", ("CVE-1-1", "CVE-1-2"))
    assert list(osv.advisories(scanparts.osv("USN-2", "Ubuntu:Pro:16.04:LTS", "x", {"introduced": "0"}))) == []


def test_secdb(database: Database, tmp_path: Path) -> None:
    fixes = {"3.1.4-r1": ["CVE-2023-1 GHSA-z", "CVE-2023-2"], "0": ["CVE-2023-3"]}
    value = {"distroversion": "v3.18", "reponame": "main", "packages": [{"pkg": {"name": "openssl", "secfixes": fixes}}]}
    database.update(str(scanparts.write_json(tmp_path / "main.json", value)))
    assert known(database, "alpine:3.18", "openssl") == [
        ("CVE-2023-1", "3.1.4-r1", "fixed", ""),
        ("CVE-2023-2", "3.1.4-r1", "fixed", ""),
        ("CVE-2023-3", "0", "fixed", ""),
    ]
    wolfi = {"apkurl": "{{urlprefix}}/x", "urlprefix": "https://packages.wolfi.dev", "packages": [{"pkg": {"name": "a", "secfixes": {"1-r0": ["CVE-1-1"]}}}]}
    database.update(str(scanparts.write_json(tmp_path / "security.json", wolfi)))
    assert known(database, "wolfi", "a") == [("CVE-1-1", "1-r0", "fixed", "")]


def test_ubuntu_notices(database: Database, tmp_path: Path) -> None:
    release = {"jammy": {"sources": {"openssl": {"version": "3.0.2-0ubuntu1.10"}}, "binaries": {}}}
    value = {
        "6119-1": {"cves": ["CVE-2023-1255", "CVE-2023-2650"], "isummary": "Several flaws.\n", "releases": release},
        "9999-1": {"cves": [], "releases": {"focal": {"sources": {"x": {"version": "2"}}}}},
    }
    database.update(str(scanparts.write_json(tmp_path / "database.json", value)))
    assert known(database, "ubuntu:22.04", "openssl") == [
        ("CVE-2023-1255", "3.0.2-0ubuntu1.10", "fixed", ""),
        ("CVE-2023-2650", "3.0.2-0ubuntu1.10", "fixed", ""),
    ]
    assert known(database, "ubuntu:20.04", "x") == [("USN-9999-1", "2", "fixed", "")]


FROM_CHANGELOG = [
    ("CVE-2023-0002", "3.0.11-1~deb12u2", "fixed", ""),  # the older of two mentions
    ("CVE-2023-0003", "3.0.15-1~deb12u1", "fixed", ""),
    ("CVE-2024-0001", "3.0.15-1~deb12u1", "fixed", ""),
]


def test_a_changelog(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "changelog.Debian.gz"
    path.write_bytes(gzip.compress(scanparts.CHANGELOG.encode()))
    assert database.update(str(path)).formats == ("Debian changelog",)
    assert sorted(known(database, "debian:12", "openssl")) == FROM_CHANGELOG


def test_a_changelog_in_a_root_file_system(database: Database, tmp_path: Path) -> None:
    """What was uploaded to unstable belongs to the release of the system it is installed in."""
    place = tmp_path / "root/usr/share/doc/zlib1g/changelog.Debian.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress(b"zlib (1:1.2.13.dfsg-1) unstable; urgency=medium\n\n  * Fix CVE-2022-37434.\n"))
    (place.parent / "copyright").write_text("not a feed")
    (place.parent / "README.md").write_text("[no JSON either](x)")
    (place.parent / "README.gz").write_bytes(b"\x1f\x8b cut off")
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/os-release").write_bytes(scanparts.OS_RELEASE)
    database.update(str(tmp_path / "root"))
    assert known(database, "debian:12", "zlib") == [("CVE-2022-37434", "1:1.2.13.dfsg-1", "fixed", "")]


def deb(data_tar: bytes) -> bytes:
    """deb(5)."""
    members = (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", lzma.compress(data_tar)))
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


def test_a_package_with_its_changelog(database: Database, tmp_path: Path) -> None:
    changelog = gzip.compress(scanparts.CHANGELOG.encode())
    path = tmp_path / "openssl.deb"
    tar = archive(entry("./usr/bin/openssl", b"x" * 1000), entry("./usr/share/doc/openssl/changelog.Debian.gz", changelog), format=tarfile.GNU_FORMAT)
    path.write_bytes(deb(tar))
    database.update(str(path))
    assert sorted(known(database, "debian:12", "openssl")) == FROM_CHANGELOG
    path.write_bytes(deb(tar)[:-400])
    with pytest.raises(ScanError, match=r"broken data\.tar\.xz"):
        database.update(str(path))
    assert sorted(known(database, "debian:12", "openssl")) == FROM_CHANGELOG  # as it was


PACKAGES = """\
Package: libssl3
Source: openssl
Version: 3.0.15-1~deb12u1
Filename: pool/o.deb

Package: openssl
Version: 3.0.14-1~deb12u2
Filename: pool/p.deb

Package: nmu
Source: nmu-source (1.0-1)
Version: 1.0-1+b2
Filename: pool/q.deb
"""
SOURCES = "Package: openssl\nBinary: openssl, libssl3\nVersion: 3.0.15-1~deb12u1\nDirectory: pool/o\n"


@pytest.mark.parametrize(
    "name", ["dists/bookworm-security/main/binary-amd64/Packages", "x_dists_bookworm-security_main_binary-amd64_Packages"]
)
def test_a_security_archive(database: Database, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PACKAGES)
    database.update(str(path))
    assert known(database, "debian:12", "openssl") == [("bookworm-security/openssl", "3.0.15-1~deb12u1", "update", "")]
    assert known(database, "debian:12", "nmu-source") == [("bookworm-security/nmu-source", "1.0-1", "update", "")]
    path.write_bytes(lzma.compress(SOURCES.encode()))
    assert database.update(str(path)).advisories == 1
    assert known(database, "debian:12", "nmu-source") == []


def test_an_archive_of_who_knows_what(database: Database, tmp_path: Path) -> None:
    (tmp_path / "Packages").write_text(PACKAGES)
    with pytest.raises(ScanError, match="its path does not tell of which release"):
        database.update(str(tmp_path / "Packages"))


def test_reading_again_replaces(database: Database, tmp_path: Path) -> None:
    path = scanparts.write_json(tmp_path / "tracker.json", scanparts.tracker(bookworm=scanparts.resolved("1")))
    database.update(str(path))
    other = scanparts.write_json(tmp_path / "osv.json", [scanparts.osv("A", "PyPI", "p", {"introduced": "0"})])
    database.update(str(other))
    scanparts.write_json(path, scanparts.tracker(bookworm=scanparts.resolved("2")))
    database.update(str(path))
    assert known(database, "debian:12", "openssl") == [("CVE-2024-0001", "2", "fixed", "UNKNOWN")]
    assert len(known(database, "pypi", "p")) == 1
    assert [feed.place for feed in database.feeds()] == sorted(map(str, (path, other)))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.json", b"{", "broken JSON"),
        ("a.json", b"[" * 100_000, "broken JSON"),
        ("a.json", b'{"some": "thing"}', "no format that is known"),
        ("a.txt", b"words", "no format that is known"),
        ("a", b"", "no format that is known"),
        ("a.bin", bytes(100), "no format that is known"),
        ("a.gz", gzip.compress(b"x" * 1000, mtime=0)[:-20], "cannot be unpacked"),
        ("a.xz", b"\xfd7zXZ\0" + bytes(50), "cannot be unpacked"),
        ("a.zip", b"PK\x03\x04" + bytes(50), "broken zip"),
        ("a.deb", b"!<arch>\n" + b"x" * 100, "broken ar archive"),
    ],
    ids=["half", "deep", "other JSON", "text", "empty", "binary", "gzip", "xz", "zip", "deb"],
)
def test_what_is_no_feed(database: Database, tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ScanError, match=words):
        database.update(str(tmp_path / name))
    assert not database.exists()


def test_a_damaged_feed_among_others_is_an_error(database: Database, tmp_path: Path) -> None:
    scanparts.write_json(tmp_path / "feeds/a.json", scanparts.tracker(bookworm=scanparts.resolved("1")))
    (tmp_path / "feeds/b.json").write_text("{")
    with pytest.raises(ScanError, match=r"feeds/b\.json: is broken JSON"):
        database.update(str(tmp_path / "feeds"))
    assert not database.exists()


def test_nothing_there(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="No such file"):
        database.update(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScanError, match="holds nothing"):
        database.update(str(tmp_path / "empty"))


class Serving:
    """A web server with one answer."""

    def __init__(self, data: bytes, length: int | None = None, status: int = 200) -> None:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data) if length is None else length))
                self.end_headers()
                self.wfile.write(data)

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tracker.json"

    def __enter__(self) -> str:
        return self.url

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_from_a_url(database: Database, no_proxy: None) -> None:
    data = json.dumps(scanparts.tracker(bookworm=scanparts.resolved("1"))).encode()
    with Serving(gzip.compress(data)) as url:
        assert database.update(url).place == url
    with Serving(data[:50], len(data)) as url, pytest.raises(ScanError, match=r"cut off|IncompleteRead"):
        database.update(url)
    with Serving(b"gone", status=404) as url, pytest.raises(ScanError, match=r"Not Found.*--update --from PATH"):
        database.update(url)


def test_a_database_of_another_version(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="there is no vulnerability database"), database.lookup():
        pass
    path = scanparts.write_json(tmp_path / "tracker.json", scanparts.tracker(bookworm=scanparts.resolved("1")))
    database.update(str(path))
    connection = sqlite3.connect(database.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(ScanError, match="has format 9, not 1"):
        database.feeds()
    Path(database.path).write_bytes(b"no database" * 100)
    with pytest.raises(ScanError, match="not a database"):
        database.feeds()


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:Q", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 0.0),
        ("7.5", 0.0),
    ],
)
def test_cvss(vector: str, score: float) -> None:
    assert severity.base_score(vector) == score


@pytest.mark.parametrize(
    ("fields", "world"),
    [
        ({"id": "debian", "version": "12"}, "debian:12"),
        ({"id": "debian", "codename": "forky"}, "debian:14"),
        ({"id": "debian"}, "debian:sid"),
        ({"id": "ubuntu", "version": "22.04"}, "ubuntu:22.04"),
        ({"id": "alpine", "version": "3.18.4"}, "alpine:3.18"),
        ({"id": "alpine", "version": "3.21_alpha20240923"}, "alpine:edge"),
        ({"id": "rocky", "version": "9.3", "like": ("rhel", "centos", "fedora")}, "rocky:9"),
        ({"id": "almalinux", "version": "9.3"}, "almalinux:9"),
        ({"id": "rhel", "version": "8.9"}, "rhel:8"),
        ({"id": "ol", "version": "9.3", "like": ("fedora", "rhel")}, "rhel:9"),
        ({"id": "opensuse-leap", "version": "15.5"}, "opensuse:15.5"),
        ({"id": "wolfi", "version": "20230201"}, "wolfi"),
    ],
)
def test_worlds_of_operating_systems(fields: dict[str, Any], world: str) -> None:
    assert ecosystem.of_os(OsRelease(**fields)) == world


@pytest.mark.parametrize(
    ("text", "world"),
    [
        ("Debian:12", "debian:12"), ("Ubuntu:22.04:LTS", "ubuntu:22.04"), ("Alpine:v3.18", "alpine:3.18"),
        ("Rocky Linux:9", "rocky:9"), ("AlmaLinux:8", "almalinux:8"), ("Red Hat:enterprise_linux:9::baseos", "rhel:9"),
        ("Wolfi", "wolfi"), ("PyPI", "pypi"), ("Go", "golang"), ("npm", "npm"), ("crates.io", ""), ("Debian", ""),
        ("openSUSE:Leap 15.5", "opensuse:15.5"),
    ],
)  # fmt: skip
def test_worlds_of_osv(text: str, world: str) -> None:
    assert ecosystem.of_osv(text) == world


def test_documents_come_one_by_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for number in range(3):
            file.writestr(f"{number}.json", str(number))
    found = documents(str(tmp_path / "a.zip"))
    assert [next(found)[:2], next(found)[:2]] == [
        (f"{tmp_path}/a.zip:0.json", b"0"),
        (f"{tmp_path}/a.zip:1.json", b"1"),
    ]
    found.close()  # type: ignore[attr-defined]
