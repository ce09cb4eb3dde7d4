"""Installed Python distributions: ``dist-info/METADATA`` and egg-info's ``PKG-INFO``.

Core metadata specification: headers as of e-mail, up to the first empty line.
"""

from __future__ import annotations

from rung.image.scan.packages import Contents, Package

_LONGEST_LICENCE = 100  # some put the whole text there


def read(path: bytes, data: bytes) -> Contents:
    """The one distribution, or none where the file names no version."""
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            fields.setdefault(key.lower(), value.strip())
    name, version = fields.get("name", ""), fields.get("version", "")
    if not name or not version:
        return Contents()
    licence = fields.get("license-expression") or fields.get("license", "")
    return Contents(
        packages=(
            Package(
                kind="pypi",
                name=name,
                version=version,
                path=path,
                licence=licence if len(licence) <= _LONGEST_LICENCE and licence != "UNKNOWN" else "",
                supplier=fields.get("author", ""),
            ),
        )
    )
