"""Where feeds lie: files, directories, zip archives, Debian packages, URLs.

Rule: a place becomes documents, ``(name, bytes, near)`` each, one in memory at a time. A file that was
named must be of a known format; what lies beside it in a directory need not.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile

from rung.image.errors import LayerError, ScanError
from rung.image.layer.tar import TarReader
from rung.image.scan import ecosystem as ecosystems
from rung.image.scan.database.formats import LIMIT_BYTES, Near, NotRead, unpacked
from rung.image.scan.reader import osrelease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    Document = tuple[str, bytes, Near]

_TIMEOUT_S = 60
_DOWNLOAD_LIMIT = 4 << 30
_DISTS = re.compile(r"[_/]dists[_/]([^_/]+)(?=[_/])")
_DOC = re.compile(r"^(.*)/usr/share/doc/[^/]+/[^/]+$")
_CHANGELOG = re.compile(rb"(?:\./)?usr/share/doc/[^/]+/changelog\.Debian(?:\.gz)?")


def is_url(place: str) -> bool:
    """Whether it is fetched."""
    return place.startswith(("http://", "https://", "file://"))


def documents(place: str) -> Iterator[Document]:
    """All documents at a place. Raises ``ScanError``."""
    if is_url(place):
        with tempfile.TemporaryFile() as file:
            _download(place, file)
            yield from _file(place, file, _near(place))
    elif os.path.isdir(place):
        for directory, names, files in os.walk(place):
            names.sort()
            for name in sorted(files):
                path = os.path.join(directory, name)
                if os.path.isfile(path):
                    yield from _open(path)
    else:
        yield from _open(place)


def _open(path: str) -> Iterator[Document]:
    try:
        with open(path, "rb") as file:
            yield from _file(path, file, _near(os.path.abspath(path)))
    except OSError as error:
        raise ScanError("read", path, error.strerror or str(error)) from error


def _file(name: str, file: BinaryIO, near: Near) -> Iterator[Document]:
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        yield from _zip(name, file, near)
    elif head == b"!<arch>\n":
        yield from _deb(name, file, near)
    else:
        data = file.read(LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise ScanError("read", name, f"is larger than {LIMIT_BYTES >> 20} MiB")
        yield name, data, near


def _zip(name: str, file: BinaryIO, near: Near) -> Iterator[Document]:
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.file_size > LIMIT_BYTES:
                    raise ScanError("read", name, f"holds {info.filename}, larger than {LIMIT_BYTES >> 20} MiB")
                yield f"{name}:{info.filename}", archive.read(info), near
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ScanError("read", name, f"is a broken zip archive: {error}") from None


def _deb(name: str, file: BinaryIO, near: Near) -> Iterator[Document]:
    """A Debian package's changelog (deb(5): an ar archive with ``data.tar.*`` in it)."""
    file.seek(8)
    while len(header := file.read(60)) == 60:
        member, size = header[:16].strip(b" /"), header[48:58].strip()
        if not size.isdigit() or header[58:] != b"`\n":
            raise ScanError("read", name, "is a broken ar archive")
        length = int(size)
        if not member.startswith(b"data.tar"):
            file.seek(length + length % 2, os.SEEK_CUR)
            continue
        try:
            yield from _changelogs(name, unpacked(file.read(min(length, LIMIT_BYTES))), near)
        except (NotRead, LayerError) as error:
            raise ScanError("read", name, f"has a broken {member.decode('ascii', 'replace')}: {error}") from None
        return


def _changelogs(name: str, tar: bytes, near: Near) -> Iterator[Document]:
    view, at = memoryview(tar), 0

    def read(size: int) -> bytes:
        nonlocal at
        part = bytes(view[at : at + size])
        at += len(part)
        return part

    reader = TarReader(read)
    for entry in reader:
        if _CHANGELOG.fullmatch(entry.name) and entry.size:
            parts = []
            while part := reader.data():
                parts.append(part)
            yield f"{name}:{entry.name.decode('utf-8', 'replace')}", b"".join(parts), near


def _near(place: str) -> Near:
    """What the path (or URL) tells of the release."""
    for suite in reversed(_DISTS.findall(place)):
        if ecosystems.of_suite(suite):
            return Near(suite, ecosystems.of_suite(suite))
    doc = _DOC.match(place)
    for release in ("etc/os-release", "usr/lib/os-release") if doc else ():
        try:
            with open(os.path.join(doc[1] or "/", release), "rb") as file:  # type: ignore[index]
                system = osrelease.read(b"", file.read(65536)).os
        except OSError:
            continue
        if system:
            return Near("", ecosystems.of_os(system))
    return Near()


def _download(url: str, file: BinaryIO) -> None:
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    size = 0
    try:
        with urlopen(Request(url, headers={"User-Agent": "rung"}), timeout=_TIMEOUT_S) as answer:
            while chunk := answer.read(1 << 20):
                size += len(chunk)
                if size > _DOWNLOAD_LIMIT:
                    raise ScanError("fetch", url, f"is larger than {_DOWNLOAD_LIMIT >> 20} MiB")
                file.write(chunk)
            length = answer.headers.get("Content-Length")
    except (OSError, HTTPException, ValueError) as error:
        hint = "on a machine without a network: --update --from PATH"
        raise ScanError("fetch", url, str(getattr(error, "reason", "") or error), hint) from error
    if length and length.isdigit() and int(length) != size:
        raise ScanError("fetch", url, f"was cut off after {size} of {length} bytes")
    file.seek(0)
