"""Removing the images that nothing uses: docker's ``image prune``."""

from __future__ import annotations

from rung.image.images.filters import PRUNING, select
from rung.image.images.find import no_image
from rung.image.images.remove import Removed, remove_all
from rung.image.images.summary import summaries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rung.image.content import Content


def prune(content: Content, filters: Mapping[str, Sequence[str]], *, all: bool = False) -> list[Removed]:
    """Remove images without a name, or with ``all`` every one without a container; a record an image."""
    found = select(summaries(content), filters, no_image, PRUNING)
    if not all and "dangling" not in filters:
        found = [image for image in found if not image.repo_tags]
    return remove_all(content, [image for image in found if not content.metadata.rootfs_of_image(image.id)])
