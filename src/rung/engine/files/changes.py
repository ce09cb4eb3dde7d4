"""What a container has changed against its image: overlayfs's upper directory, read as Docker's ``diff``.

A character device 0:0 hides what is below (deleted). overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

import os
import stat

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MODIFIED, ADDED, DELETED = 0, 1, 2


class Change(Record):
    """``kind`` of a path that begins with a slash."""

    path: str
    kind: int


def changes(upper: str, lowers: Sequence[str], hidden: frozenset[str]) -> list[Change]:
    """In the order of their paths. ``hidden``: places that mounts have made, which are nobody's change."""
    return [one for one in _walk(upper, "", lowers) if not _is_hidden(one.path, hidden)]


def _is_hidden(path: str, hidden: frozenset[str]) -> bool:
    return path in hidden or any(path.startswith(f"{one}/") for one in hidden)


def _walk(upper: str, path: str, lowers: Sequence[str]) -> Iterator[Change]:
    directory = f"{upper}{path}"
    for name in sorted(os.listdir(directory)):
        inner = f"{path}/{name}"
        status = os.lstat(f"{upper}{inner}")
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
            yield Change(inner, DELETED)
            continue
        known = any(_is_there(lower, inner) for lower in lowers)
        yield Change(inner, MODIFIED if known else ADDED)
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(upper, inner, lowers)


def _is_there(lower: str, path: str) -> bool:
    """In this layer; a whiteout there is nothing."""
    try:
        found = os.lstat(f"{lower}{path}")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == 0)
