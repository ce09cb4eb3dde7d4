"""Alpine's database of installed packages, as apk-tools 2 and 3 write it (apk-package(5)).

Paragraphs of ``X:value``; apk-tools 3 has more letters, and the same for what is read here.
"""

from __future__ import annotations

from rung.image.scan.packages import Contents, Package


def read(path: bytes, data: bytes) -> Contents:
    """The packages, and the files below ``F:`` (a directory) and ``R:`` (a file in it)."""
    found, owned = [], []
    for paragraph in data.replace(b"\r\n", b"\n").split(b"\n\n"):
        fields: dict[bytes, str] = {}
        directory = b""
        for line in paragraph.split(b"\n"):
            letter, colon, value = line.partition(b":")
            if not colon:
                continue
            if letter == b"F":
                directory = value
            elif letter == b"R":
                owned.append(directory + b"/" + value if directory else value)
            elif letter in (b"P", b"V", b"A", b"L", b"o", b"m"):
                fields[letter] = value.decode("utf-8", "replace")
        if fields.get(b"P") and fields.get(b"V"):
            found.append(_package(path, fields))
    return Contents(packages=tuple(found), owned=b"\n".join(owned))


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
