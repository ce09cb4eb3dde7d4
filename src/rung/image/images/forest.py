"""Images as trees: what each name stands for and, of an index, its manifests: docker's ``images --tree``.

Rule: an index is shown as it is in the store, platforms that did not come along among the others, with nothing
on disk. What is no image (an attestation, whose platform is unknown) is left out, as docker does.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.image.images.summary import listed
from rung.image.snapshot.chain import chain_ids
from rung.image.store.metadata import DANGLING
from rung.record import Record
from rung.spec.image import Digest, Index, parse_config, parse_manifest
from rung.spec.image.reference import familiar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rung.image.content import Content
    from rung.image.images.summary import Summary
    from rung.spec.image import Descriptor, Manifest


class Branch(Record):
    """One manifest of an index. ``content_bytes`` are those of its blobs that are here,
    ``unpacked_bytes`` of its layers."""

    platform: str
    digest: str
    content_bytes: int
    unpacked_bytes: int

    @property
    def disk_bytes(self) -> int:
        """All that it takes."""
        return self.content_bytes + self.unpacked_bytes


class ImageTree(Record):
    """What the names of one image stand for, and the images in it. One that is ``in_use`` has containers."""

    names: tuple[str, ...]
    digest: str
    branches: tuple[Branch, ...]
    in_use: bool
    #: The document's own, where it is an index.
    index_bytes: int = 0

    @property
    def content_bytes(self) -> int:
        """All blobs of all platforms that are here."""
        return self.index_bytes + sum(one.content_bytes for one in self.branches)

    @property
    def disk_bytes(self) -> int:
        """The same with what is unpacked."""
        return self.index_bytes + sum(one.disk_bytes for one in self.branches)


def forest(content: Content, filters: Mapping[str, Sequence[str]]) -> list[ImageTree]:
    """The images that docker's filters let through, newest first."""
    sizes = content.metadata.snapshot_sizes()
    return [_tree(content, one, target, sizes) for one in listed(content, filters) for target in one.targets]


def _tree(content: Content, image: Summary, target: str, sizes: Mapping[str, int]) -> ImageTree:
    rows = content.metadata.images_by_id(target)
    shown = tuple(sorted(familiar(row.name) for row in rows if row.target == target and _is_tag(row.name)))
    in_use = bool(content.metadata.rootfs_of_image(image.id))
    at = Digest.parse(target)
    document = _read(content, at)
    if not isinstance(document, Index):
        return ImageTree(shown, target, (_branch(content, image.platform, at, document, sizes),), in_use)
    branches = tuple(
        _branch(content, str(one.platform or ""), one.digest, _read(content, one.digest), sizes)
        for one in document.manifests
        if not _is_attestation(one)
    )
    return ImageTree(shown, target, branches, in_use, content.blobs.size(at) or 0)


def _is_tag(name: str) -> bool:
    return "@" not in name and not name.startswith(DANGLING)


def _read(content: Content, at: Digest) -> Manifest | Index | None:
    try:
        return parse_manifest(content.blobs.read(at))
    except RungError:  # it did not come along; whether it is sound, `image verify` says
        return None


def _is_attestation(one: Descriptor) -> bool:
    return one.platform is not None and one.platform.os == "unknown"


def _branch(
    content: Content, platform: str, at: Digest, manifest: Manifest | Index | None, sizes: Mapping[str, int]
) -> Branch:
    blobs = {at}
    unpacked = 0
    if manifest is not None and not isinstance(manifest, Index):
        blobs |= {manifest.config.digest, *(layer.digest for layer in manifest.layers)}
        unpacked = sum(sizes.get(chain, 0) for chain in _chains(content, manifest))
    return Branch(platform, str(at), sum(content.blobs.size(blob) or 0 for blob in blobs), unpacked)


def _chains(content: Content, manifest: Manifest) -> list[str]:
    try:
        return [str(chain) for chain in chain_ids(parse_config(content.blobs.read(manifest.config.digest)).diff_ids)]
    except RungError:
        return []
