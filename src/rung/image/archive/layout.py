"""Images of an OCI image layout (image-layout.md), with docker's names beside it where it has them."""

from __future__ import annotations

from rung.image.archive.docker import docker_entries
from rung.image.archive.loadable import Loadable, full_name, once
from rung.image.errors import ArchiveError
from rung.image.store.layout import CONTAINERD_NAME, REF_NAME
from rung.spec.errors import SpecError
from rung.spec.image import Index, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.image.archive.take_in import Held
    from rung.image.content import Content
    from rung.spec.image import Descriptor, Digest, Platform

_DEPTH = 4


def layout_images(content: Content, held: Held, platform: Platform) -> list[Loadable]:
    """One for each manifest or index that ``index.json`` names."""
    index = parse_manifest(held.documents[b"index.json"], media.OCI_INDEX, "index.json")
    if not isinstance(index, Index):
        raise SpecError("mediaType", "is not an index", document="index.json")
    tags = _tags_by_config(held)
    found: dict[tuple[Digest, Digest], tuple[list[str], Loadable]] = {}
    for descriptor in index.manifests:
        image = _resolve(content, descriptor, platform)
        if image is None:
            continue
        names, _ = found.setdefault((image.target.digest, image.manifest_at.digest), ([], image))
        names += _names(dict(descriptor.annotations), tags.get(image.manifest.config.digest, ()))
    return [image.replace(names=once(names)) for names, image in found.values()]


def _names(annotations: dict[str, str], tags: Sequence[str]) -> list[str]:
    """containerd's annotation is a full name; the layout's own may be a tag only, as docker has it."""
    names = [full_name(tag, "manifest.json") for tag in tags]
    if CONTAINERD_NAME in annotations:
        return [full_name(annotations[CONTAINERD_NAME], "index.json"), *names]
    if names or not annotations.get(REF_NAME):
        return names
    return [full_name(annotations[REF_NAME], "index.json")]


def _resolve(content: Content, descriptor: Descriptor, platform: Platform) -> Loadable | None:
    """The image behind a descriptor of a layout; None for what is no image."""
    at = descriptor
    for _ in range(_DEPTH):
        if not content.blobs.has(at.digest):
            raise ArchiveError("archive", str(at.digest), "is named by index.json and not there")
        parsed = parse_manifest(content.blobs.read(at.digest), at.media_type, f"manifest {at.digest}")
        if not isinstance(parsed, Index):
            if parsed.config.media_type not in media.CONFIGS:
                return None  # an attestation or another artifact
            return Loadable((), descriptor, at, parsed)
        here = [one for one in parsed.manifests if content.blobs.has(one.digest)]
        chosen = choose_platform(here, platform) or next(iter(here), None)
        if chosen is None:
            raise ArchiveError("archive", str(at.digest), "is an index none of whose manifests is there")
        at = chosen
    raise SpecError("manifests", f"indexes are nested more than {_DEPTH} deep", document="index.json")


def _tags_by_config(held: Held) -> dict[Digest, list[str]]:
    """Names from docker's ``manifest.json`` beside an image layout."""
    tags: dict[Digest, list[str]] = {}
    if b"manifest.json" in held.documents:
        for entry in docker_entries(held):
            config = held.files.get(held.linked(entry.config.encode()))
            if config:
                tags.setdefault(config[0], []).extend(entry.tags)
    return tags
