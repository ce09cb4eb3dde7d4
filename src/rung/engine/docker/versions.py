"""Versions of the API: which one a request speaks, and whether it is spoken here."""

from __future__ import annotations

import re

from rung.engine.errors import BadParameter

API, OLDEST = "1.47", "1.24"
_PREFIX = re.compile(r"/v([0-9.]+)(/.*)")


def numbers(version: str) -> tuple[int, ...]:
    """``1.24.1`` as numbers; what is no number counts as none, as with Docker."""
    return tuple(int(part) if part else 0 for part in version.split("."))


NEWEST = numbers(API)


def split(path: str) -> tuple[str, tuple[int, ...]]:
    """A path without its version, and the version; ``/v1.47/info`` -> ``/info``. Nothing of either is checked."""
    match = _PREFIX.fullmatch(path)
    return (match[2], numbers(match[1])) if match else (path, NEWEST)


def check(version: tuple[int, ...]) -> None:
    """Raises ``BadParameter`` for one that is not spoken here."""
    shown = ".".join(map(str, version))
    if version < numbers(OLDEST):
        said = f"client version {shown} is too old. Minimum supported API version is {OLDEST}"
        raise BadParameter(f"{said}, please upgrade your client to a newer version")
    if version[: len(NEWEST)] > NEWEST:
        raise BadParameter(f"client version {shown} is too new. Maximum supported API version is {API}")
