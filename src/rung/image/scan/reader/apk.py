"""Alpine's database of installed packages, as apk-tools 2 and 3 write it (apk-package(5)).

Paragraphs of ``X:value``; apk-tools 3 has more letters, and the same for what is read here.
"""

from __future__ import annotations

from rung.image.scan.packages import Contents, Package
from rung.image.scan.reader import at_most, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def read(path: bytes, data: bytes) -> Contents:
    """The packages, and the files below ``F:`` (a directory) and ``R:`` (a file in it)."""
    data = data.replace(b"\r\n", b"\n")
    return Contents(packages=at_most(_packages(path, data)), owned=joined(_files(data)))


def _packages(path: bytes, data: bytes) -> Iterator[Package]:
    for paragraph in data.split(b"\n\n"):
        fields = {line[:1]: line[2:].decode("utf-8", "replace") for line in _lines(paragraph) if line[:1] in b"PVALom"}
        if fields.get(b"P") and fields.get(b"V"):
            yield _package(path, fields)


def _files(data: bytes) -> Iterator[bytes]:
    directory = b""
    for line in _lines(data):
        if line[:1] == b"F":
            directory = line[2:]
        elif line[:1] == b"R":
            yield directory + b"/" + line[2:] if directory else line[2:]


def _lines(data: bytes) -> Iterator[bytes]:
    return (line for line in data.split(b"\n") if line[1:2] == b":")


def _package(path: bytes, fields: dict[bytes, str]) -> Package:
    return Package(
        kind="apk",
        name=fields[b"P"],
        version=fields[b"V"],
        path=path,
        source=fields.get(b"o", ""),
        architecture=fields.get(b"A", ""),
        licence=fields.get(b"L", ""),
        supplier=fields.get(b"m", ""),
    )
