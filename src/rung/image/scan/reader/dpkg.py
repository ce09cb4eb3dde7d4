"""dpkg's database: ``status``, and distroless's file for each package in ``status.d``."""

from __future__ import annotations

from rung.image.scan.packages import Contents, Package
from rung.image.scan.reader import at_most
from rung.image.scan.reader.deb822 import paragraphs, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELDS = frozenset("package version source architecture status maintainer".split())


def read(path: bytes, data: bytes) -> Contents:
    """The installed packages."""
    return Contents(packages=at_most(_packages(path, data)))


def _packages(path: bytes, data: bytes) -> Iterator[Package]:
    for fields in paragraphs(data.decode("utf-8", "replace").splitlines(), _FIELDS):
        # dpkg-query(1): the third word of Status; distroless has no such field.
        state = fields.get("status", "install ok installed").split()
        if state[-1:] != ["installed"] or not fields.get("package") or not fields.get("version"):
            continue
        source, source_version = source_of(fields)
        yield Package(
            kind="deb",
            name=fields["package"],
            version=fields["version"],
            path=path,
            source=source,
            source_version=source_version,
            architecture=fields.get("architecture", ""),
            supplier=fields.get("maintainer", ""),
        )
