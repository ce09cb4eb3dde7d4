"""An image's files, mounted read-only for somebody to look into: podman's ``image mount``.

Rule: a view is a root file system like a container's, by the name ``view-ID``; so it survives
the process, keeps its image from being removed, and is found again by anybody.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from rung.image.errors import ImageError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.images.image import Image
    from rung.image.images.store import Store

_PREFIX = "view-"


class View(Record):
    """An image that is mounted at ``target``."""

    image_id: str
    repo_tags: tuple[str, ...]
    target: str


def mount_image(store: Store, image: Image, target: str = "") -> str:
    """Mount an image's files, below the store where no target is given: where they are."""
    rootfs = store.prepare_rootfs(image, _key(image), driver=store.content.snapshots.view)
    if rootfs.target:
        if target and os.path.abspath(target) != rootfs.target:
            raise ImageError("mount", image.name, f"is mounted at {rootfs.target} already", "unmount it first")
        return rootfs.target
    place = os.path.abspath(target) if target else os.path.join(rootfs.directory, "merged")
    rootfs.mount(place)
    return place


def unmount_image(store: Store, image: Image) -> None:
    """Take a view away again. Raises ``ImageError`` where there is none."""
    if store.rootfs(_key(image)) is None:
        raise ImageError("unmount", image.name, "is not mounted")
    store.remove_rootfs(_key(image))


def views(store: Store) -> list[View]:
    """All images that are mounted."""
    known = {_PREFIX + one.id.partition(":")[2]: one for one in store.summaries()}
    return [
        View(known[row.id].id, known[row.id].repo_tags, row.target)
        for row in store.content.metadata.all_rootfs()
        if row.id in known and row.target
    ]


@contextmanager
def shown(store: Store, image: Image) -> Iterator[str]:
    """An image's files for the time of a context, by a view of its own."""
    rootfs = store.prepare_rootfs(
        image, f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}", driver=store.content.snapshots.view
    )
    try:
        place = os.path.join(rootfs.directory, "merged")
        rootfs.mount(place)
        yield place
    finally:
        rootfs.remove()


def _key(image: Image) -> str:
    return _PREFIX + image.id.hex
