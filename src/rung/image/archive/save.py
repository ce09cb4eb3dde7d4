"""Images as one file that docker, podman, skopeo and Rung load.

An OCI image layout in a tar, with docker's ``manifest.json`` beside it: what docker
itself writes since version 25. Blobs are written as they are, so digests stay the same;
the same images give the same bytes.
"""

from __future__ import annotations

import io
import tarfile

from rung import jsonc
from rung.image.errors import ContentError
from rung.image.store.layout import OCI_LAYOUT, REF_NAME
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from rung.image.content import Content
    from rung.image.images.image import Image
    from rung.spec.image import Digest

CONTAINERD_NAME = "io.containerd.image.name"


def save(content: Content, images: Sequence[Image], file: BinaryIO, format: str) -> None:
    """Write an archive. ``format``: ``docker-archive`` or ``oci-archive`` (without docker's part)."""
    with content.metadata.lease("save") as lease:
        lease.hold([image.row.manifest for image in images])
        blobs = _blobs(images)
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add_directory(tar, "blobs/")
            for algorithm in sorted({digest.algorithm for digest in blobs}):
                _add_directory(tar, f"blobs/{algorithm}/")
            for digest in blobs:
                _add_blob(tar, content, digest)
            _add(tar, "index.json", jsonc.dumps(_index(images, format)).encode())
            if format == "docker-archive":
                _add(tar, "manifest.json", jsonc.dumps(_docker_manifest(images)).encode())
            _add(tar, "oci-layout", OCI_LAYOUT)


def _blobs(images: Sequence[Image]) -> list[Digest]:
    """Every blob of the images, each once, in a fixed order."""
    found: dict[Digest, None] = {}
    for image in images:
        manifest = image.manifest
        for digest in (image.manifest_digest, manifest.config.digest, *(one.digest for one in manifest.layers)):
            found[digest] = None
    return sorted(found, key=str)


def _index(images: Sequence[Image], format: str) -> dict[str, Any]:
    manifests = []
    for image in images:
        tag = image.reference.tag or str(image.reference.digest or "")
        name = tag if format == "docker-archive" else image.name
        value = image.descriptor.to_json()
        value["annotations"] = {CONTAINERD_NAME: str(image.reference), REF_NAME: name}
        manifests.append(value)
    return {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": manifests}


def _docker_manifest(images: Sequence[Image]) -> list[dict[str, Any]]:
    """``manifest.json``: one entry for each image, with all the names it is saved by."""
    entries: dict[Digest, dict[str, Any]] = {}
    for image in images:
        manifest = image.manifest
        entry = entries.setdefault(
            image.id,
            {
                "Config": _path(image.id),
                "RepoTags": [],
                "Layers": [_path(layer.digest) for layer in manifest.layers],
            },
        )
        if image.reference.tag:
            entry["RepoTags"].append(image.name)
    return list(entries.values())


def _path(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _add_directory(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(info)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _add_blob(tar: tarfile.TarFile, content: Content, digest: Digest) -> None:
    size = content.blobs.size(digest)
    if size is None:
        raise ContentError("save", str(digest), "is not in the store", "pull the image again")
    info = tarfile.TarInfo(_path(digest))
    info.size = size
    with content.blobs.open(digest) as file:
        tar.addfile(info, file)
