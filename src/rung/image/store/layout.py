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
from rung.image.store.transaction import DANGLING
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.image.store.metadata import ImageRow

OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
#: What a name stood for where it came from, if that is not the manifest: an index.
TARGET = "io.rung.image.target"


def write_marker(layout: str) -> None:
    """Mark a directory as an image layout."""
    path = os.path.join(layout, "oci-layout")
    if not os.path.exists(path):
        replace_file(path, OCI_LAYOUT)


def write_index(layout: str, images: Iterable[ImageRow]) -> None:
    """Write ``index.json`` for these images. The caller holds the store's write lock."""
    replace_file(os.path.join(layout, "index.json"), index_bytes(images))


def index_bytes(images: Iterable[ImageRow]) -> bytes:
    """What ``index.json`` says for these images."""
    manifests = [_entry(row) for row in images]
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": manifests}
    return jsonc.dumps(index).encode()


def _entry(row: ImageRow) -> dict[str, Any]:
    entry: dict[str, Any] = {"mediaType": row.media_type, "digest": row.manifest, "size": row.manifest_size}
    annotations = {} if row.name.startswith(DANGLING) else {REF_NAME: row.name}
    if row.target != row.manifest:
        annotations[TARGET] = row.target
    return {**entry, "annotations": annotations} if annotations else entry
