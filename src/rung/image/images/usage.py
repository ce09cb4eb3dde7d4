"""How much room the images take: what docker's ``system df`` tells of them."""

from __future__ import annotations

from rung.image.images.summary import summaries
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content


class ImageUsage(Record):
    """One image: unpacked bytes in all, those that other images need too, its containers."""

    id: str
    repo_tags: tuple[str, ...]
    created: str
    size_bytes: int
    shared_bytes: int
    containers: int

    @property
    def unique_bytes(self) -> int:
        """What goes when only this image is removed."""
        return self.size_bytes - self.shared_bytes


class Usage(Record):
    """``layers_bytes``: unpacked, each layer once; ``reclaimable_bytes``: of those, what images
    without a container hold; ``blobs_bytes``: what was fetched and is kept beside."""

    images: tuple[ImageUsage, ...]
    layers_bytes: int
    reclaimable_bytes: int
    blobs_bytes: int

    @property
    def active(self) -> int:
        """How many images have containers."""
        return sum(image.containers > 0 for image in self.images)


def usage(content: Content) -> Usage:
    """The images with their sizes, and the totals."""
    metadata = content.metadata
    sizes = metadata.snapshot_sizes()
    chains = {row.config: metadata.chain_of(row.chain) if row.chain else [] for row in metadata.images()}
    uses: dict[str, int] = {}
    for found in chains.values():
        for chain in found:
            uses[chain] = uses.get(chain, 0) + 1
    images = []
    needed: set[str] = set()
    for image in summaries(content):
        containers = len(metadata.rootfs_of_image(image.id))
        own = chains.get(image.id, [])
        shared = sum(sizes.get(chain, 0) for chain in own if uses[chain] > 1)
        size = sum(sizes.get(chain, 0) for chain in own)
        images.append(ImageUsage(image.id, image.repo_tags, image.created, size, shared, containers))
        if containers:
            needed.update(own)
    total = sum(sizes.values())
    blobs = sum(content.blobs.size(digest) or 0 for digest in content.blobs.all())
    return Usage(tuple(images), total, total - sum(sizes.get(chain, 0) for chain in needed), blobs)
