"""Package databases made to hang a scan, to fill its memory, or to write on the terminal."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import pytest

import scanparts
from rung.image.scan.reader import Unreadable, apk, dpkg, golang, joined
from rung.image.scan.reader import __name__ as reader_name
from rung.image.scan.reader.rpm import ndb, sqlite

ENDLESS = "WITH RECURSIVE n(blob) AS (SELECT x'00' UNION ALL SELECT blob FROM n) SELECT blob FROM n"


def test_a_view_in_place_of_the_table(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db")
    connection.execute(f"CREATE VIEW Packages AS {ENDLESS}")
    connection.close()
    with pytest.raises(Unreadable, match="no table of packages"):
        sqlite.read(b"p", (tmp_path / "db").read_bytes())


def test_no_table_at_all(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db")
    connection.execute("CREATE TABLE other (blob)")
    connection.close()
    with pytest.raises(Unreadable, match="no table of packages"):
        sqlite.read(b"p", (tmp_path / "db").read_bytes())


def test_slots_that_all_point_to_one_blob() -> None:
    data = bytearray(scanparts.rpm_ndb(scanparts.rpm_header("a", "1", "1", files=[f"/f/{i}" for i in range(500)])))
    for slot in range(32 + 16, 4096, 16):
        data[slot : slot + 16] = data[32:48]
    with pytest.raises(Unreadable, match="lie over each other"):
        ndb.read(b"p", bytes(data))


def test_an_rpm_whose_files_lie_in_a_directory_with_an_endless_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{reader_name}.MOST_OWNED_BYTES", 1 << 20)
    header = scanparts.rpm_header("a", "1", "1", files=[f"/{'d' * 10_000}/{i}" for i in range(1000)])
    with pytest.raises(Unreadable, match="1 MiB of paths"):
        ndb.read(b"p", scanparts.rpm_ndb(header))


def test_an_apk_whose_files_lie_in_a_directory_with_an_endless_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{reader_name}.MOST_OWNED_BYTES", 1 << 20)
    with pytest.raises(Unreadable, match="1 MiB of paths"):
        apk.read(b"p", b"P:a\nV:1\nF:" + b"d" * 10_000 + b"\n" + b"R:f\n" * 1000)


@pytest.mark.parametrize("kind", ["dpkg", "apk", "go"])
def test_more_packages_than_there_are(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(f"{reader_name}.MOST_PACKAGES", 10)
    with pytest.raises(Unreadable, match="more than 10 packages"):
        if kind == "dpkg":
            dpkg.read(b"p", scanparts.dpkg_status(*((f"p{i}", "1") for i in range(11))))
        elif kind == "apk":
            apk.read(b"p", b"\n\n".join(b"P:p%d\nV:1" % i for i in range(11)))
        else:
            golang.read(b"p", scanparts.go_inline(modules="".join(f"dep\tm{i}\tv1\n" for i in range(11))))


def test_lengths_that_lie() -> None:
    header = scanparts.rpm_header("name", "1", "1")
    for count, size in ((1 << 31, 10), (5, 1 << 30), (1 << 16, 1 << 28)):
        with pytest.raises(Unreadable, match="lengths are wrong"):
            ndb.read(b"p", scanparts.rpm_ndb(struct.pack(">II", count, size) + header[8:]))
    assert golang.read(b"p", b"\x7fELF" + bytes(4096) + b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff" * 64).packages == ()


def test_paths_within_the_limit_are_joined() -> None:
    assert joined([b"a", b"b"]) == b"a\nb"
