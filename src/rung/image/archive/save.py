"""Images as one file that docker, podman, skopeo and Rung load.

An OCI image layout in a tar, with docker's ``manifest.json`` beside it: what docker itself writes
since version 25. Blobs are written as they are, so digests stay the same; the same images give the
same bytes. An image of which the store has several platforms is saved with its index, all of them.
"""

from __future__ import annotations

import io
import tarfile

from rung import jsonc
from rung.image.errors import ContentError, ImageError
from rung.image.store.layout import CONTAINERD_NAME, OCI_LAYOUT, REF_NAME
from rung.image.store.references import images as images_of
from rung.image.store.references import needs, present
from rung.record import Record
from rung.spec.image import Descriptor, Digest, choose_platform, media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from rung.image.content import Content
    from rung.image.images.image import Image
    from rung.spec.image import Manifest, Platform


class Chosen(Record):
    """An image to be saved: ``root`` is what its name is to stand for, ``manifest`` docker's part."""

    image: Image
    named: bool
    root: Descriptor
    manifest: Manifest


def save(
    content: Content,
    images: Sequence[tuple[Image, bool]],
    file: BinaryIO,
    format: str,
    platform: Platform | None = None,
) -> None:
    """Write an archive of images, each with its name or (False) without.

    ``format``: ``docker-archive`` or ``oci-archive`` (without docker's part)."""
    with content.metadata.lease("save") as lease:
        lease.hold({key for image, _ in images for key in (image.row.target, image.row.manifest)})
        chosen = [_choose(content, image, named, platform) for image, named in images]
        blobs = _blobs(content, chosen)
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add_directory(tar, "blobs/")
            for algorithm in sorted({digest.algorithm for digest in blobs}):
                _add_directory(tar, f"blobs/{algorithm}/")
            for digest in blobs:
                _add_blob(tar, content, digest)
            _add(tar, "index.json", jsonc.dumps(_index(chosen, format)).encode())
            if format == "docker-archive":
                _add(tar, "manifest.json", jsonc.dumps(_docker_manifest(chosen)).encode())
            _add(tar, "oci-layout", OCI_LAYOUT)


def _choose(content: Content, image: Image, named: bool, platform: Platform | None) -> Chosen:
    target = Descriptor(image.row.target_type, image.digest, content.blobs.size(image.digest) or 0)
    here = images_of(content.blobs, target)
    if platform is not None:
        # A manifest that no index lists is for the platform that its configuration says.
        offered = [at if at.platform else at.replace(platform=content.config(found).platform) for at, found in here]
        at = choose_platform(offered, platform)
        if at is None:
            reason = f"does not provide the specified platform ({platform})"
            raise ImageError(f"image with reference {image.name} was found but {reason}")
        return Chosen(image, named, at, next(found for one, found in here if one.digest == at.digest))
    if len(here) > 1:
        return Chosen(image, named, target, image.manifest)
    return Chosen(image, named, image.descriptor, image.manifest)


def _blobs(content: Content, chosen: Sequence[Chosen]) -> list[Digest]:
    """Every blob of the images, each once, in a fixed order."""
    found: set[str] = set()
    for one in chosen:
        for at, document in present(content.blobs, one.root):
            found.update((str(at.digest), *needs(content.blobs, document)))
    return [Digest.parse(text) for text in sorted(found)]


def _index(chosen: Sequence[Chosen], format: str) -> dict[str, Any]:
    manifests: dict[tuple[Digest, str], dict[str, Any]] = {}
    for one in chosen:
        reference = one.image.reference
        name = one.image.name if format == "oci-archive" else reference.tag or str(reference.digest or "")
        value = one.root.to_json()
        if one.named:
            value["annotations"] = {CONTAINERD_NAME: str(reference), REF_NAME: name}
        manifests[one.root.digest, str(reference) if one.named else ""] = value
    return {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": list(manifests.values())}


def _docker_manifest(chosen: Sequence[Chosen]) -> list[dict[str, Any]]:
    """``manifest.json``: one entry for each image, with all the names it is saved by."""
    entries: dict[Digest, dict[str, Any]] = {}
    for one in chosen:
        entry = entries.setdefault(
            one.manifest.config.digest,
            {
                "Config": _path(one.manifest.config.digest),
                "RepoTags": None,
                "Layers": [_path(layer.digest) for layer in one.manifest.layers],
            },
        )
        if one.named and one.image.reference.tag:
            entry["RepoTags"] = [*(entry["RepoTags"] or ()), one.image.name]
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
