"""Installed Node packages: ``node_modules/NAME/package.json``."""

from __future__ import annotations

from rung import jsonc
from rung.image.scan.packages import Contents, Package
from rung.image.scan.reader import Unreadable


def read(path: bytes, data: bytes) -> Contents:
    """The one package, or none where the file names no version (parts of packages do not)."""
    try:
        value = jsonc.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is no JSON: {error}") from None
    if not isinstance(value, dict):
        return Contents()
    name, version, licence = value.get("name"), value.get("version"), value.get("license")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        return Contents()
    if isinstance(licence, dict):  # as it was written before 2014
        licence = licence.get("type")
    known = licence if isinstance(licence, str) else ""
    return Contents(packages=(Package(kind="npm", name=name, version=version, path=path, licence=known),))
