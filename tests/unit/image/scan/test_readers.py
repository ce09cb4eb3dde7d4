"""The files that tell of packages: what each reader makes of them, and of damaged ones."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import scanparts
from rung.image.scan.packages import Contents
from rung.image.scan.reader import (
    Reader,
    Unreadable,
    apk,
    dpkg,
    dpkg_files,
    golang,
    node,
    osrelease,
    python,
    reader_for,
)
from rung.image.scan.reader.rpm import bdb, ndb, sqlite

HEADERS = (
    scanparts.rpm_header("openssl-libs", "3.0.7", "6.el9_2", epoch=1, source="openssl-3.0.7-6.el9_2.src.rpm",
                         files=("/usr/lib64/libssl.so.3", "/usr/bin/x", "/usr/lib64/libcrypto.so.3")),
    scanparts.rpm_header("gpg-pubkey", "1", "2"),
    scanparts.rpm_header("bash", "5.1.8", "6.el9"),
)  # fmt: skip


def names(contents: Contents) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in contents.packages]


@pytest.mark.parametrize(
    ("path", "mode", "module"),
    [
        ("etc/os-release", 0o644, "osrelease"),
        ("var/lib/dpkg/status", 0o644, "dpkg"),
        ("var/lib/dpkg/status.d/base", 0o644, "dpkg"),
        ("var/lib/dpkg/status.d/base.md5sums", 0o644, "dpkg_files"),
        ("var/lib/dpkg/info/bash.list", 0o644, "dpkg_files"),
        ("var/lib/dpkg/status-old", 0o644, ""),
        ("lib/apk/db/installed", 0o644, "apk"),
        ("usr/lib/apk/db/installed", 0o644, "apk"),
        ("var/lib/rpm/rpmdb.sqlite", 0o644, "rpm.sqlite"),
        ("usr/lib/sysimage/rpm/Packages.db", 0o644, "rpm.ndb"),
        ("var/lib/rpm/Packages", 0o644, "rpm.bdb"),
        ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", 0o644, "python"),
        ("a-1.egg-info/PKG-INFO", 0o644, "python"),
        ("opt/a-1.egg-info", 0o644, "python"),
        ("opt/a-1-py3.egg/EGG-INFO/PKG-INFO", 0o644, "python"),
        ("app/node_modules/left-pad/package.json", 0o644, "node"),
        ("app/node_modules/@scope/pad/package.json", 0o755, "node"),
        ("app/node_modules/a/node_modules/b/package.json", 0o644, "node"),
        ("app/node_modules/a/lib/package.json", 0o644, ""),
        ("app/package.json", 0o644, ""),
        ("usr/bin/tool", 0o755, "golang"),
        ("usr/share/tool", 0o644, ""),
        ("other/var/lib/dpkg/status", 0o644, ""),
    ],
)
def test_who_reads_what(path: str, mode: int, module: str) -> None:
    reader = reader_for(path.encode(), mode)
    assert (reader.module if reader else "") == module


def test_dpkg() -> None:
    data = scanparts.dpkg_status(("libssl3", "3.0.11-1~deb12u2+b1", "openssl (3.0.11-1~deb12u2)"), ("bash", "5.2"))
    data += b"\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: distroless\nVersion: 2\n"
    found = dpkg.read(b"p", data)
    assert names(found) == [("libssl3", "3.0.11-1~deb12u2+b1"), ("bash", "5.2"), ("distroless", "2")]
    first, second, _ = found.packages
    assert (first.origin, first.origin_version, first.architecture) == ("openssl", "3.0.11-1~deb12u2", "amd64")
    assert (second.origin, second.origin_version) == ("bash", "5.2")


def test_the_files_of_dpkgs_packages() -> None:
    assert dpkg_files.read(b"x.list", b"/.\n/usr/a\n").owned == b".\nusr/a"
    assert dpkg_files.read(b"x.md5sums", b"0123  ./usr/a b\n4567  usr/c\nbroken\n").owned == b"usr/a b\nusr/c"


def test_apk() -> None:
    data = (
        b"C:Q1abc=\nP:libssl3\nV:3.1.4-r5\nA:x86_64\nL:Apache-2.0\no:openssl\nF:lib\nR:libssl.so.3\na:0:0:755\nZ:Q1x\n\n"
        b"P:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:\nR:init\nZ:Q2new\n\nP:no-version\n"
    )
    found = apk.read(b"p", data)
    assert names(found) == [("libssl3", "3.1.4-r5"), ("musl", "1.2.4-r2")]
    assert (found.packages[0].origin, found.packages[0].licence) == ("openssl", "Apache-2.0")
    assert found.owned == b"lib/libssl.so.3\ninit"


def check_rpm(found: Contents) -> None:
    by_name = {package.name: package for package in found.packages}
    assert sorted(by_name) == ["bash", "openssl-libs"]
    package = by_name["openssl-libs"]
    assert (package.version, package.origin, package.origin_version) == ("1:3.0.7-6.el9_2", "openssl", "1:3.0.7-6.el9_2")
    assert (package.architecture, package.licence, by_name["bash"].version) == ("x86_64", "MIT", "5.1.8-6.el9")
    assert found.owned == b"usr/lib64/libssl.so.3\nusr/bin/x\nusr/lib64/libcrypto.so.3"


@pytest.mark.parametrize("wal", [False, True])
def test_rpm_in_sqlite(tmp_path: Path, wal: bool) -> None:
    check_rpm(sqlite.read(b"p", scanparts.rpm_sqlite(tmp_path / "db", *HEADERS, wal=wal)))


def test_rpm_in_ndb() -> None:
    check_rpm(ndb.read(b"p", scanparts.rpm_ndb(*HEADERS)))


@pytest.mark.parametrize("order", ["1234", "4321"])
def test_rpm_in_berkeley_db(tmp_path: Path, order: str) -> None:
    program = shutil.which("db5.3_load")
    if program is None:
        pytest.skip("needs db5.3_load: apt-get install db5.3-util")
    big = scanparts.rpm_header("big", "1", "1", files=[f"/usr/share/{'n' * 100}{i}" for i in range(300)])
    small = [scanparts.rpm_header(f"small{i}", "1", "1") for i in range(200)]
    rows = [(0, struct.pack("<I", 300)), *enumerate((*HEADERS, big, *small), 1)]
    dump = ["VERSION=3", "format=bytevalue", "type=hash", "db_pagesize=4096", "HEADER=END"]
    for key, value in rows:
        dump += [f" {struct.pack('<I', key).hex()}", f" {value.hex()}"]
    words = [program, "-c", f"db_lorder={order}", str(tmp_path / "Packages")]
    subprocess.run(words, input="\n".join([*dump, "DATA=END", ""]), text=True, check=True)
    found = bdb.read(b"p", (tmp_path / "Packages").read_bytes())
    assert len(found.packages) == 203
    assert found.owned.count(b"n" * 100) == 300


def test_rpms_own_databases(tmp_path: Path) -> None:
    """As rpm writes them: it installs a package that it built, in both of its formats."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpmbuild: apt-get install rpm")
    spec = tmp_path / "hello.spec"
    spec.write_text(
        "Name: hello\nVersion: 1.2\nRelease: 3\nEpoch: 4\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n"
        "%install\nmkdir -p %{buildroot}/opt/hello\ntouch %{buildroot}/opt/hello/file\n%files\n/opt/hello/file\n"
    )
    top = ["--define", f"_topdir {tmp_path}", "--define", "_tmppath /tmp"]
    subprocess.run(["rpmbuild", "-bb", *top, str(spec)], check=True, capture_output=True)
    (package,) = tmp_path.glob("RPMS/noarch/*.rpm")
    for backend, module, name in (("sqlite", sqlite, "rpmdb.sqlite"), ("ndb", ndb, "Packages.db")):
        place = tmp_path / backend
        words = ["rpm", "--dbpath", str(place), "--define", f"_db_backend {backend}"]
        subprocess.run([*words, "-i", "--justdb", "--nodeps", "--nosignature", str(package)], check=True)
        found = module.read(b"p", (place / name).read_bytes())
        assert names(found) == [("hello", "4:1.2-3")]
        assert found.packages[0].origin_version == "4:1.2-3"
        assert found.owned == b"opt/hello/file"


def test_python() -> None:
    data = b"Metadata-Version: 2.1\nName: Some_Package\nVersion: 1.2\nLicense: MIT\nAuthor: A\n\nName: not this\n"
    (package,) = python.read(b"p", data).packages
    assert (package.name, package.version, package.licence, package.supplier) == ("Some_Package", "1.2", "MIT", "A")
    assert python.read(b"p", b"Name: only\n").packages == ()


def test_node() -> None:
    (package,) = node.read(b"p", b'{"name": "@a/b", "version": "1.0.0", "license": {"type": "ISC"}}').packages
    assert (package.name, package.version, package.licence) == ("@a/b", "1.0.0", "ISC")
    assert node.read(b"p", b'{"type": "module"}').packages == ()
    assert node.read(b"p", b"[1]").packages == ()
    for broken in (b"{", b"[" * 100_000, b"\xff"):
        with pytest.raises(Unreadable):
            node.read(b"p", broken)


GO = [
    ("stdlib", "v1.21.3"),
    ("example.org/tool", "v1.0.0"),
    ("golang.org/x/net", "v0.7.0"),
    ("github.com/new/fork", "v1.2.0"),
]


def test_go() -> None:
    assert names(golang.read(b"p", scanparts.go_inline())) == GO


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_go_before_1_18(wide: bool, order: str) -> None:
    data = scanparts.go_pointers(wide=wide, order=order)
    assert names(golang.read(b"p", data)) == [("stdlib", "v1.16.5"), *GO[1:]]


def test_a_program_that_only_mentions_the_magic() -> None:
    data = scanparts.go_inline()
    assert names(golang.read(b"p", data[:100] + b"\xff Go buildinf:" + data[114:])) == GO
    assert golang.read(b"p", b"\x7fELF" + b"\xff Go buildinf:" + bytes(100)).packages == ()
    assert golang.read(b"p", b"#!/bin/sh\n").packages == ()


@pytest.mark.skipif(not Path("/usr/bin/skopeo").exists(), reason="needs a Go program: apt-get install skopeo")
def test_a_real_go_program() -> None:
    found = golang.read(b"p", Path("/usr/bin/skopeo").read_bytes())
    assert found.packages[0].name == "stdlib"
    assert found.packages[0].version.startswith("v1.")


def test_os_release() -> None:
    system = osrelease.read(b"p", scanparts.OS_RELEASE).os
    assert system is not None
    assert (system.id, system.version, system.codename, system.name) == ("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
    odd = osrelease.read(b"p", b"# x\nID='weird\nNAME=a b\n ID_LIKE=\"rhel fedora\"\n").os
    assert odd is not None
    assert (odd.id, odd.like) == ("weird", ("rhel", "fedora"))
    assert osrelease.read(b"p", b"NAME=x\n").os is None


@pytest.mark.parametrize("module", ["dpkg", "apk", "python", "node", "golang", "osrelease", "rpm.sqlite", "rpm.ndb", "rpm.bdb"])
def test_damaged_files_are_an_error_or_nothing(tmp_path: Path, module: str) -> None:
    """Bytes changed, cut, and doubled at random: a reader may refuse, and does nothing else."""
    read = Reader(module, 0).read
    samples = {
        "rpm.sqlite": lambda: scanparts.rpm_sqlite(tmp_path / "db", *HEADERS),
        "rpm.ndb": lambda: scanparts.rpm_ndb(*HEADERS),
        "golang": scanparts.go_pointers,
    }
    whole = samples.get(module, lambda: scanparts.dpkg_status(("a", "1")) + b"P:x\nV:1\nID=x\n")()
    if module == "rpm.bdb":  # a page of a hash with one item, and what it points to
        meta = bytearray(512)
        struct.pack_into("<III", meta, 12, 0x061561, 9, 512)
        page = bytearray(512)
        struct.pack_into("<HHBB", page, 20, 2, 0, 1, 13)
        struct.pack_into("<HHIIII", page, 26, 500, 480, 0, 0, 0, 0)
        struct.pack_into("<IIIB", page, 480, 3, 2, 100, 0)
        whole = bytes(meta) + bytes(page) + bytes(512)
    chance = random.Random(5)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged = bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
        try:
            found = read(b"p", damaged)
        except Unreadable as refused:
            assert str(refused)
        else:
            assert isinstance(found, Contents)
