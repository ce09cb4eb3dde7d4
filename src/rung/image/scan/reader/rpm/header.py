"""RPM headers as its databases hold them: tags into packages.

rpm's manual, "RPM V4 header format" (index entries of tag, type, offset, count, then the data they
point into), here without the lead of magic bytes that package files have.
"""

from __future__ import annotations

import struct

from rung.image.scan.packages import Contents, Package
from rung.image.scan.reader import Unreadable, at_most, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Tags = dict[int, list[bytes] | list[int]]

_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENSE, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1011, 1014, 1022, 1044
_DIRINDEXES, _BASENAMES, _DIRNAMES = 1116, 1117, 1118
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_WANTED = {_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENSE, _ARCH, _SOURCE, _DIRINDEXES, _BASENAMES, _DIRNAMES}
_ENTRY = struct.Struct(">IIII")
_MOST_ENTRIES, _MOST_DATA = 1 << 16, 256 << 20  # rpm's own limits


def contents(path: bytes, headers: Iterable[bytes], size: int) -> Contents:
    """The packages of all headers, and the files they own. ``size``: the database's; headers that
    are more together lie over each other."""
    owned: list[bytes] = []

    def packages() -> Iterator[Package]:
        left = size
        for header in headers:
            left -= len(header)
            if left < 0:
                raise Unreadable("holds headers that lie over each other")
            tags = _tags(header)
            package = _package(path, tags)
            if package is not None:
                owned.append(joined(_files(tags)))
                yield package

    return Contents(packages=at_most(packages()), owned=joined(one for one in owned if one))


def _package(path: bytes, tags: Tags) -> Package | None:
    name = _text(tags, _NAME)
    if not name or name == "gpg-pubkey":  # keys are kept as if they were packages
        return None
    number = (tags.get(_EPOCH) or [0])[0]
    epoch = f"{number}:" if isinstance(number, int) and number else ""
    source, source_version = _source(_text(tags, _SOURCE), epoch)
    return Package(
        kind="rpm",
        name=name,
        version=f"{epoch}{_text(tags, _VERSION)}-{_text(tags, _RELEASE)}",
        path=path,
        source=source,
        source_version=source_version,
        architecture=_text(tags, _ARCH),
        licence=_text(tags, _LICENSE),
        supplier=_text(tags, _VENDOR),
    )


def _tags(header: bytes) -> Tags:
    if len(header) < 8:
        raise Unreadable("holds a header that is cut off")
    count, size = struct.unpack_from(">II", header)
    start = 8 + 16 * count
    if count > _MOST_ENTRIES or size > _MOST_DATA or start + size > len(header):
        raise Unreadable("holds a header whose lengths are wrong")
    data = header[start : start + size]
    tags: Tags = {}
    for index in range(count):
        tag, kind, offset, number = _ENTRY.unpack_from(header, 8 + 16 * index)
        if tag not in _WANTED:
            continue
        if offset > size:
            raise Unreadable("holds a header whose lengths are wrong")
        if kind == _INT32:
            if offset + 4 * number > size:
                raise Unreadable("holds a header whose lengths are wrong")
            tags[tag] = list(struct.unpack_from(f">{number}I", data, offset))
        elif kind in (_STRING, _STRING_ARRAY, _I18N):
            tags[tag] = data[offset:].split(b"\0", number)[:number] if kind != _STRING else [
                data[offset:].partition(b"\0")[0]
            ]  # fmt: skip
    return tags


def _text(tags: Tags, tag: int) -> str:
    values = tags.get(tag)
    return values[0].decode("utf-8", "replace") if values and isinstance(values[0], bytes) else ""


def _source(file: str, epoch: str) -> tuple[str, str]:
    """``openssl-3.0.7-1.el9.src.rpm`` as name and version."""
    parts = file.removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)
    return (parts[0], f"{epoch}{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def _files(tags: Tags) -> Iterator[bytes]:
    bases, directories, places = tags.get(_BASENAMES, []), tags.get(_DIRNAMES, []), tags.get(_DIRINDEXES, [])
    for base, place in zip(bases, places):
        if isinstance(place, int) and place < len(directories):
            directory = directories[place]
            if isinstance(directory, bytes) and isinstance(base, bytes):
                yield directory.lstrip(b"/") + base
