"""What a scan finds in an image: packages and the operating system they belong to."""

from __future__ import annotations

from rung.record import Record

#: Package URL types of what an operating system's package manager installed.
SYSTEM = ("deb", "apk", "rpm")


class Package(Record):
    """One installed package. ``kind`` is its package URL's type; ``version`` is whole (epoch and
    release included); ``source`` is what it was built from, where that has a name and version of
    its own; ``path`` is the file that tells of it; ``layer`` the index of the layer that brought it."""

    kind: str
    name: str
    version: str
    path: bytes
    source: str = ""
    source_version: str = ""
    architecture: str = ""
    licence: str = ""
    supplier: str = ""
    layer: int = 0

    @property
    def origin(self) -> str:
        """The source package's name."""
        return self.source or self.name

    @property
    def origin_version(self) -> str:
        """The source package's version."""
        return self.source_version or self.version

    @property
    def system(self) -> bool:
        """Whether it came with the operating system's package manager."""
        return self.kind in SYSTEM


class OsRelease(Record):
    """os-release(5): ``id`` is ``debian``, ``version`` its ``VERSION_ID``, which may be empty."""

    id: str
    version: str = ""
    codename: str = ""
    name: str = ""
    like: tuple[str, ...] = ()


class Contents(Record):
    """What one file says. ``owned``: paths, one a line, of files that its packages installed."""

    packages: tuple[Package, ...] = ()
    os: OsRelease | None = None
    owned: bytes = b""
