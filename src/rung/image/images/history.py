"""How an image came to be, step by step, with what each step added: docker's ``history``."""

from __future__ import annotations

from rung.image.snapshot.chain import chain_ids
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.images.image import Image


class Past(Record):
    """One step, ``size_bytes`` unpacked; ``created`` in RFC 3339."""

    created: str
    created_by: str
    comment: str
    size_bytes: int


def history(content: Content, image: Image) -> list[Past]:
    """The steps, newest first. Layers that no step tells of come first."""
    config = image.config
    sizes = [content.metadata.snapshot_size(str(chain)) or 0 for chain in chain_ids(config.diff_ids)]
    untold = len(sizes) - sum(not step.empty_layer for step in config.history)
    steps = [Past(config.created, "", "", sizes.pop(0)) for _ in range(max(0, untold))]
    for step in config.history:
        size = 0 if step.empty_layer or not sizes else sizes.pop(0)
        steps.append(Past(step.created, step.created_by, step.comment, size))
    return steps[::-1]
