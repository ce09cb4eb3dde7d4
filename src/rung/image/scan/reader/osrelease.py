"""os-release(5): which operating system an image holds."""

from __future__ import annotations

import shlex

from rung.image.scan.packages import Contents, OsRelease


def read(path: bytes, data: bytes) -> Contents:
    """Its ``ID``, ``VERSION_ID`` and names."""
    fields = {}
    for line in data.decode("utf-8", "replace").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            fields[key] = _plain(value)
    name = fields.get("ID", "").lower()
    if not name:
        return Contents()
    return Contents(
        os=OsRelease(
            id=name,
            version=fields.get("VERSION_ID", ""),
            codename=fields.get("VERSION_CODENAME") or fields.get("UBUNTU_CODENAME", ""),
            name=fields.get("PRETTY_NAME") or fields.get("NAME") or name,
            like=tuple(fields.get("ID_LIKE", "").lower().split()),
        )
    )


def _plain(value: str) -> str:
    """Without the shell's quotes."""
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")
