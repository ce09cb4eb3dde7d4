"""Images as docker lists them: one entry an image, with its names and its digests.

Rule: an image is its ID (the digest of its configuration). A name with a digest counts among
the digests; an image without any name dangles.
"""

from __future__ import annotations

from rung.image.store.metadata import DANGLING
from rung.record import Record
from rung.spec.image.reference import familiar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rung.image.content import Content
    from rung.image.store.metadata import ImageRow


class Summary(Record):
    """``repo_tags`` and ``repo_digests`` in docker's short form, ``created`` in RFC 3339, ``tagged``
    in seconds since 1970, ``targets``: what the names stand for (an index, or the manifest)."""

    id: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    created: str
    size_bytes: int
    labels: dict[str, str]
    platform: str
    manifests: tuple[str, ...]
    targets: tuple[str, ...]
    tagged: float

    @property
    def dangling(self) -> bool:
        """Without any name."""
        return not self.repo_tags and not self.repo_digests


def listed(content: Content, filters: Mapping[str, Sequence[str]]) -> list[Summary]:
    """The images that docker's filters let through."""
    from rung.image.images.filters import select
    from rung.image.images.find import get

    found = summaries(content)
    if not filters:
        return found
    return select(found, filters, lambda name: group([get(content, name).row])[0])


def summaries(content: Content) -> list[Summary]:
    """All images, newest first."""
    return group(content.metadata.images())


def group(rows: Iterable[ImageRow]) -> list[Summary]:
    """The names of each image brought together; the images in the order of their first rows."""
    by_id: dict[str, list[ImageRow]] = {}
    for row in rows:
        by_id.setdefault(row.config, []).append(row)
    return [_summary(one, rows) for one, rows in by_id.items()]


def _summary(id: str, rows: list[ImageRow]) -> Summary:
    names = [row.name for row in rows if not row.name.startswith(DANGLING)]
    return Summary(
        id,
        tuple(familiar(name) for name in names if "@" not in name),
        tuple(familiar(name) for name in names if "@" in name),
        rows[0].created,
        rows[0].unpacked,
        rows[0].labels,
        rows[0].platform,
        tuple({row.manifest: None for row in rows}),
        tuple({row.target: None for row in rows}),
        max(row.updated for row in rows),
    )
