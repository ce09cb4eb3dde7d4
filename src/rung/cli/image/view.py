"""What ``rung images`` shows: docker's fields of an image. Pure but for the clock."""

from __future__ import annotations

from rung.cli.output import age, human_size
from rung.image import seconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.image import Summary

_NONE = "<none>"
HEADINGS = {
    "ID": "IMAGE ID",
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "Containers": "CONTAINERS",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}


def columns(*, digests: bool) -> dict[str, str]:
    """The table's headings and the fields below them."""
    fields = ["Repository", "Tag", *(["Digest"] if digests else []), "ID", "CreatedSince", "Size"]
    return {HEADINGS[field]: field for field in fields}


def image_rows(images: Iterable[Summary], *, truncate: bool = True, digests: bool = False) -> list[dict[str, str]]:
    """A row for each name; with ``digests`` for each digest of it (docker's cli/command/formatter)."""
    nameless = [(_NONE, _NONE, _NONE)]
    return [_row(image, names, truncate) for image in images for names in _names(image, digests) or nameless]


def _names(image: Summary, digests: bool) -> list[tuple[str, str, str]]:
    """``(repository, tag, digest)``: tags with their digests, then repositories that have digests only."""
    known: dict[str, list[str]] = {}
    for name in image.repo_digests:
        repository, _, digest = name.partition("@")
        known.setdefault(repository, []).append(digest)
    rows = []
    tagged = set()
    for name in image.repo_tags:
        repository, _, tag = name.rpartition(":")
        tagged.add(repository)
        rows += [(repository, tag, digest) for digest in (known.get(repository, []) if digests else []) or [_NONE]]
    for repository, found in known.items():
        if repository not in tagged:
            rows += [(repository, _NONE, digest) for digest in (found if digests else [_NONE])]
    return rows


def _row(image: Summary, names: tuple[str, str, str], truncate: bool) -> dict[str, str]:
    moment = seconds_of(image.created)
    return {
        "Containers": "N/A",
        "CreatedAt": created_at(moment),
        "CreatedSince": f"{age(moment)} ago" if moment is not None else "N/A",
        "Digest": names[2],
        "ID": image.id.partition(":")[2][:12] if truncate else image.id,
        "Repository": names[0],
        "SharedSize": "N/A",
        "Size": human_size(image.size_bytes),
        "Tag": names[1],
        "UniqueSize": "N/A",
        "VirtualSize": human_size(image.size_bytes, 4),
    }


def created_at(moment_s: float | None) -> str:
    """Go's way to write a local time."""
    import time

    if moment_s is None:
        return "N/A"
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(moment_s))


def as_json(image: Summary) -> dict[str, Any]:
    """All of a summary for ``--json``."""
    return {
        "Id": image.id,
        "RepoTags": list(image.repo_tags),
        "RepoDigests": list(image.repo_digests),
        "Created": image.created,
        "Size": image.size_bytes,
        "Labels": image.labels,
        "Platform": image.platform,
    }
