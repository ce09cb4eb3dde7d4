"""What scans read, made of bytes: package databases of each kind, Go programs, feeds."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imageparts import archive, entry

OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def dpkg_status(*packages: tuple[str, str] | tuple[str, str, str]) -> bytes:
    """dpkg's status file: name, version and (where it is another) source."""
    parts = []
    for name, version, *source in packages:
        lines = [f"Package: {name}", "Status: install ok installed", f"Version: {version}", "Architecture: amd64"]
        parts.append("\n".join([*lines, *(f"Source: {one}" for one in source), "Description: a\n more\n .\n text"]))
    return ("\n\n".join(parts) + "\n").encode()


def debian_layer(*packages: tuple[str, str] | tuple[str, str, str]) -> bytes:
    """A layer with Debian 12's os-release and those packages."""
    return archive(entry("usr/lib/os-release", OS_RELEASE), entry("var/lib/dpkg/status", dpkg_status(*packages)))


def rpm_header(
    name: str, version: str, release: str, *, epoch: int = 0, source: str = "", files: Sequence[str] = ()
) -> bytes:
    """An RPM header as its databases hold it."""
    tags: list[tuple[int, int, bytes, int]] = [
        (1000, 6, name.encode() + b"\0", 1),
        (1001, 6, version.encode() + b"\0", 1),
        (1002, 6, release.encode() + b"\0", 1),
        (1014, 6, b"MIT\0", 1),
        (1022, 6, b"x86_64\0", 1),
    ]
    if epoch:
        tags.append((1003, 4, struct.pack(">I", epoch), 1))
    if source:
        tags.append((1044, 6, source.encode() + b"\0", 1))
    if files:
        directories = sorted({file.rpartition("/")[0] + "/" for file in files})
        places = [directories.index(file.rpartition("/")[0] + "/") for file in files]
        tags.append((1116, 4, struct.pack(f">{len(files)}I", *places), len(files)))
        tags.append((1117, 8, b"".join(f.rpartition("/")[2].encode() + b"\0" for f in files), len(files)))
        tags.append((1118, 8, b"".join(one.encode() + b"\0" for one in directories), len(directories)))
    index, data = b"", b""
    for tag, kind, value, count in tags:
        data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(tags), len(data)) + index + data


def rpm_sqlite(place: Path, *headers: bytes, wal: bool = False) -> bytes:
    """``rpmdb.sqlite``; ``place`` is a file to make it in."""
    connection = sqlite3.connect(place)
    connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in headers])
    connection.commit()
    connection.close()
    return place.read_bytes()


def rpm_ndb(*headers: bytes) -> bytes:
    """``Packages.db``."""
    slots, blobs, place = b"", b"", 4096 // 16
    for index, header in enumerate(headers, 1):
        blob = struct.pack("<4sIII", b"BlbS", index, 1, len(header)) + header
        blob += bytes(-len(blob) % 16) + struct.pack("<IIII", 0, len(header), 0, 0)
        slots += struct.pack("<4sIII", b"Slot", index, place, len(blob) // 16)
        blobs += blob
        place += len(blob) // 16
    first = struct.pack("<4sIIIII8x", b"RpmP", 0, 1, 1, len(headers) + 1, 0) + slots
    while len(first) < 4096:
        first += struct.pack("<4sIII", b"Slot", 0, 0, 0)
    return first + blobs


MODULES = (
    "path\texample.org/tool\nmod\texample.org/tool\tv1.0.0\th1:x=\n"
    "dep\tgolang.org/x/net\tv0.7.0\th1:y=\ndep\tgithub.com/Old/Fork\tv1.1.0\n=>\tgithub.com/new/fork\tv1.2.0\th1:z=\n"
    "build\tGOOS=linux\n"
)


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def go_inline(version: str = "go1.21.3", modules: str = MODULES) -> bytes:
    """An ELF file with the build information of Go 1.18 and later."""
    marked = b"0" * 16 + modules.encode() + b"1" * 16
    text = b"".join(_varint(len(one)) + one for one in (version.encode(), marked))
    return b"\x7fELF\x02\x01" + bytes(4090) + b"\xff Go buildinf:" + b"\x08\x02" + bytes(16) + text + bytes(64)


def go_pointers(version: str = "go1.16.5", modules: str = MODULES, *, wide: bool = True, order: str = "<") -> bytes:
    """An ELF file with the build information of Go before 1.18: pointers to string headers."""
    base, size, word = 0x400000, 0x2000, "Q" if wide else "I"
    marked = b"0" * 16 + modules.encode() + b"1" * 16
    texts = {0x800: version.encode(), 0x900: marked}
    data = bytearray(size)
    sign = 2 if order == ">" else 1
    if wide:
        data[0:64] = b"\x7fELF\x02" + bytes([sign]) + bytes(58)
        struct.pack_into(order + "Q", data, 32, 64)
        struct.pack_into(order + "HH", data, 54, 56, 1)
        struct.pack_into(order + "IIQQQQ", data, 64, 1, 6, 0, base, 0, size)
    else:
        data[0:64] = b"\x7fELF\x01" + bytes([sign]) + bytes(58)
        struct.pack_into(order + "I", data, 28, 64)
        struct.pack_into(order + "HH", data, 42, 32, 1)
        struct.pack_into(order + "IIIII", data, 64, 1, 0, base, 0, size)
    for place, text in texts.items():
        struct.pack_into(order + 2 * word, data, place, base + place + 0x20, len(text))
        data[place + 0x20 : place + 0x20 + len(text)] = text
    data[0x400:0x410] = b"\xff Go buildinf:" + bytes([8 if wide else 4, 1 if order == ">" else 0])
    struct.pack_into(order + 2 * word, data, 0x410, base + 0x800, base + 0x900)
    return bytes(data)


# --- feeds ---------------------------------------------------------------------------


def tracker(package: str = "openssl", cve: str = "CVE-2024-0001", **releases: dict[str, Any]) -> dict[str, Any]:
    """The Debian security tracker's JSON of one CVE."""
    return {package: {cve: {"description": "A flaw. In detail.", "scope": "remote", "releases": releases}}}


def resolved(version: str, urgency: str = "not yet assigned") -> dict[str, Any]:
    return {"status": "resolved", "repositories": {"bookworm": "1"}, "fixed_version": version, "urgency": urgency}


def osv(id: str, ecosystem: str, package: str, *events: dict[str, str], **fields: Any) -> dict[str, Any]:
    """An OSV record of one package."""
    kind = "SEMVER" if ecosystem in ("npm", "Go") else "ECOSYSTEM"
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": [{"type": kind, "events": list(events)}]}
    return {"schema_version": "1.6.0", "id": id, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **fields}


CHANGELOG = """\
openssl (3.0.15-1~deb12u1) bookworm-security; urgency=medium

  * New upstream version
   - CVE-2024-0001 (a flaw)
   - CVE-2023-0002, CVE-2023-0003

 -- A Person <a@example.org>  Mon, 02 Sep 2024 10:00:00 +0000

openssl (3.0.11-1~deb12u2) bookworm-security; urgency=high

  * Fix CVE-2023-0002: first half.

 -- A Person <a@example.org>  Mon, 02 Oct 2023 10:00:00 +0000

openssl (3.0.9-1) unstable; urgency=medium

  * Older than CVEs.

 -- A Person <a@example.org>  Tue, 30 May 2023 10:00:00 +0000
"""


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path
