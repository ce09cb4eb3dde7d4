"""Which files of an image tell of packages, and who reads each of them.

Rule: a reader is a function of a file's path and bytes that gives ``Contents``; it raises
``Unreadable`` with a reason where the file is not what its place says. What it reads is a
stranger's: every length is checked, nothing in it is executed or looked up outside.
"""

from __future__ import annotations

import re
from importlib import import_module

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from rung.image.scan.packages import Contents, Package

_MIB = 1 << 20


#: No file tells of more packages, or of more bytes of paths: what does is made to fill the memory.
MOST_PACKAGES, MOST_OWNED_BYTES = 100_000, 256 << 20


class Unreadable(Exception):
    """A file is not what its place says; why."""


def at_most(packages: Iterable[Package]) -> tuple[Package, ...]:
    """All of them. Raises ``Unreadable`` where they are too many, before they are all made."""
    found: list[Package] = []
    for package in packages:
        if len(found) == MOST_PACKAGES:
            raise Unreadable(f"tells of more than {MOST_PACKAGES} packages")
        found.append(package)
    return tuple(found)


def joined(paths: Iterable[bytes]) -> bytes:
    """Paths, one a line. Raises ``Unreadable`` where they are too many."""
    found: list[bytes] = []
    size = 0
    for path in paths:
        size += len(path) + 1
        if size > MOST_OWNED_BYTES:
            raise Unreadable(f"tells of more than {MOST_OWNED_BYTES >> 20} MiB of paths")
        found.append(path)
    return b"\n".join(found)


class Reader(Record):
    """``module`` (of this package) has ``read``; files of more than ``limit_bytes`` are left out."""

    module: str
    limit_bytes: int
    executable: bool = False

    @property
    def read(self) -> Callable[[bytes, Any], Contents]:
        """The function itself, loaded now."""
        found: Callable[[bytes, Any], Contents] = import_module(f"{__name__}.{self.module}").read
        return found


_RPM = rb"(?:var/lib/rpm|usr/lib/sysimage/rpm|usr/share/rpm)/"
_PLACES = (
    (rb"etc/os-release|usr/lib/os-release", Reader("osrelease", _MIB)),
    (rb"var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)", Reader("dpkg", 64 * _MIB)),
    (rb"var/lib/dpkg/info/[^/]+\.list|var/lib/dpkg/status\.d/[^/]+\.md5sums", Reader("dpkg_files", 16 * _MIB)),
    (rb"(?:usr/)?lib/apk/db(?:-uvol)?/installed", Reader("apk", 64 * _MIB)),
    (_RPM + rb"rpmdb\.sqlite", Reader("rpm.sqlite", 512 * _MIB)),
    (_RPM + rb"Packages\.db", Reader("rpm.ndb", 512 * _MIB)),
    (_RPM + rb"Packages", Reader("rpm.bdb", 512 * _MIB)),
)
_BY_PLACE = [(re.compile(pattern, re.DOTALL), reader) for pattern, reader in _PLACES]
#: What each of the places begins with: most paths are told apart by that.
_BEGIN = (b"etc/os-", b"usr/lib/os-", b"var/lib/", b"lib/apk/", b"usr/lib/apk/", b"usr/lib/sys", b"usr/share/rpm/")
_PYTHON_END = (b".dist-info/METADATA", b".egg-info/PKG-INFO", b".egg-info", b".egg/EGG-INFO/PKG-INFO")
_NODE_END = b"/package.json"
_NODE = re.compile(rb"node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json", re.DOTALL)
_PYTHON_READER, _NODE_READER = Reader("python", 4 * _MIB), Reader("node", 4 * _MIB)
_GO = Reader("golang", 512 * _MIB, executable=True)


def reader_for(path: bytes, mode: int) -> Reader | None:
    """Who reads a regular file at a (clean) path, if anybody."""
    if path.startswith(_BEGIN):
        for pattern, reader in _BY_PLACE:
            if pattern.fullmatch(path):
                return reader
    if path.endswith(_PYTHON_END):
        return _PYTHON_READER
    if path.endswith(_NODE_END) and _NODE.fullmatch(path, max(0, path.rfind(b"node_modules/"))):
        return _NODE_READER
    return _GO if mode & 0o111 else None
