"""Media types of images, and what a layer's says about its compression.

OCI image specification, media-types.md; Docker's manifest version 2 schema 2.
"""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"
OCI_LAYER_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"

#: A layer that is a file system's image instead of an archive; behind the suffix the whole of it is compressed.
EROFS_LAYER = "application/vnd.erofs.layer.v1"
EROFS_LAYER_ZSTD = EROFS_LAYER + "+zstd"
_EROFS = ("application/vnd.erofs", "application/vnd.erofs+zstd", EROFS_LAYER, EROFS_LAYER_ZSTD)

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = DOCKER_LAYER + ".gzip"
DOCKER_LAYER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"

MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_INDEX)
CONFIGS = (OCI_CONFIG, DOCKER_CONFIG)

_COMPRESSION = {
    OCI_LAYER: "",
    OCI_LAYER_GZIP: "gzip",
    OCI_LAYER_ZSTD: "zstd",
    OCI_LAYER_FOREIGN: "",
    OCI_LAYER_FOREIGN + "+gzip": "gzip",
    OCI_LAYER_FOREIGN + "+zstd": "zstd",
    DOCKER_LAYER: "",
    DOCKER_LAYER_GZIP: "gzip",
    DOCKER_LAYER + ".zstd": "zstd",
    DOCKER_LAYER_FOREIGN: "",
    DOCKER_LAYER_FOREIGN + ".gzip": "gzip",
    **{each: "zstd" if each.endswith("+zstd") else "" for each in _EROFS},
}


def layer_compression(media_type: str) -> str | None:
    """``""``, ``"gzip"`` or ``"zstd"``; None where it is not a file system layer's type."""
    return _COMPRESSION.get(media_type)


def is_erofs(media_type: str) -> bool:
    """Whether a layer is an EROFS image, as containerd's EROFS snapshotter takes it."""
    return media_type in _EROFS


def is_foreign(media_type: str) -> bool:
    """Whether a layer is one that registries need not hold, and that is not pushed."""
    return media_type.startswith((OCI_LAYER_FOREIGN, DOCKER_LAYER_FOREIGN))
