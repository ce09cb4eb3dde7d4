"""The store as other tools see it: a valid OCI image layout.

``oci-layout`` is written once; ``index.json`` names every image's manifest (the one for
the platform that was pulled, because all its blobs are here) after each change of names,
so that ``skopeo copy oci:/var/lib/rung/image:NAME ...`` works at any time.
OCI image specification, image-layout.md.
"""

from __future__ import annotations

import os

from rung import jsonc
from rung.image.store.blobs import replace_file
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.image.store.metadata import ImageRow

OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME = "org.opencontainers.image.ref.name"


def write_marker(layout: str) -> None:
    """Mark a directory as an image layout."""
    path = os.path.join(layout, "oci-layout")
    if not os.path.exists(path):
        replace_file(path, OCI_LAYOUT)


def write_index(layout: str, images: Iterable[ImageRow]) -> None:
    """Write ``index.json`` for these images. The caller holds the store's write lock."""
    manifests = [
        {
            "mediaType": row.media_type,
            "digest": row.manifest,
            "size": row.manifest_size,
            "annotations": {REF_NAME: row.name},
        }
        for row in images
    ]
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": manifests}
    replace_file(os.path.join(layout, "index.json"), jsonc.dumps(index).encode())
