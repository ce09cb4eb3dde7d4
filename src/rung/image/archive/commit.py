"""An image of another one and one more layer: what a container has changed.

The layer comes as an archive with whiteouts as image-spec layer.md has them; the configuration is the other image's,
with what the container was given.
"""

from __future__ import annotations

import time

from rung import jsonc
from rung.image.archive.rootfs import add_layer, publish_new
from rung.image.snapshot.chain import chain_ids
from rung.image.store.metadata import chain_key
from rung.spec.image import parse_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    from rung.image.content import Content
    from rung.image.images.image import Image


def commit(
    content: Content,
    image: Image,
    layer: BinaryIO,
    name: str,
    running: Mapping[str, Any],
    *,
    author: str = "",
    comment: str = "",
    created_by: str = "",
) -> str:
    """``name``: a full reference or empty, ``running``: the new image's ``config``. The name it has now."""
    below = image.config.diff_ids
    chains = chain_ids(below)
    with content.metadata.lease(f"commit {image.id}") as lease:
        lease.hold([image.row.manifest, *(chain_key(str(chain)) for chain in chains)])
        added, diff_id = add_layer(content, layer.read, lease, below)
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        document = image.document
        step = {"created": moment, "created_by": created_by, "author": author, "comment": comment}
        document["history"] = [
            *(document.get("history") or ()),
            {key: value for key, value in step.items() if value},
        ]
        document["rootfs"] = {"type": "layers", "diff_ids": [*map(str, below), str(diff_id)]}
        document.update(created=moment, config=dict(running), parent=str(image.id))
        document.update({"author": author} if author else {})
        config = parse_config(jsonc.dumps(document).encode(), "the new image's configuration")
        return publish_new(content, name, config, (*image.manifest.layers, added), lease)
