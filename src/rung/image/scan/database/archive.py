"""``Packages`` and ``Sources`` of a security archive: the newest version of each source package.

They name no CVEs. What they tell is that an older version lacks an update; it is reported where
no other feed says which vulnerabilities that is about.
"""

from __future__ import annotations

from rung.image.scan.advisory import UPDATE, Advisory, Affected
from rung.image.scan.reader.deb822 import paragraphs, source_of
from rung.image.scan.version import compare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIELDS = frozenset("package version source filename directory".split())


def is_archive(text: str) -> bool:
    """Whether a text begins with a paragraph of such a file."""
    first = next(paragraphs(text.lstrip()[:65536].splitlines(), _FIELDS), {})
    return bool(first.get("package") and first.get("version") and (first.get("filename") or first.get("directory")))


def advisories(lines: Iterable[str], ecosystem: str, suite: str) -> Iterator[Advisory]:
    """One for each source package."""
    newest: dict[str, str] = {}
    for fields in paragraphs(lines, _FIELDS):
        name, version = fields.get("package", ""), fields.get("version", "")
        if "filename" in fields:
            source, source_version = source_of(fields)
            name, version = source or name, source_version or version
        if name and version and (name not in newest or compare("deb", version, newest[name]) > 0):
            newest[name] = version
    for name, version in newest.items():
        label = f"{suite}/{name}"
        affected = Affected(ecosystem, name, fixed=version, status=UPDATE)
        yield Advisory(label, label, (affected,), title=f"{name} {version} is in {suite}")
