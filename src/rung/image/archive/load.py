"""Loading what docker, podman, skopeo, buildah or Rung saved.

Rule: one pass takes the archive in (``take_in``), the format's reader says which images there
are (``layout``, ``docker``, ``legacy``), then each is unpacked and named. What no image needs is
collected again.
"""

from __future__ import annotations

from rung.image.archive.take_in import take_in
from rung.image.errors import ArchiveError, LayerError
from rung.image.progress import Event
from rung.image.sign.policy_file import find_policy
from rung.image.store.metadata import DANGLING
from rung.spec.image.reference import familiar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.image.archive.loadable import Loadable
    from rung.image.archive.take_in import Held
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.store.metadata import Lease
    from rung.spec.image import Platform


def load(content: Content, file: BinaryIO, platform: Platform, progress: Progress) -> list[str]:
    """Load all images of an archive (also compressed): the names of their rows in the database."""
    try:
        with content.metadata.lease("load") as lease:
            held = take_in(content, file, lease)
            images = _images(content, held, platform, lease)
            if not images:
                raise ArchiveError("archive", "", "holds no image")
            return [name for image in images for name in _load(content, image, lease, progress)]
    except LayerError as error:
        name = str(getattr(file, "name", ""))
        reason = f"{error.operation} {error.object}".strip() + f" {error.reason}"
        raise ArchiveError("load", name, reason, error.hint) from error
    finally:
        content.collect()  # what came along and no image needs


def _images(content: Content, held: Held, platform: Platform, lease: Lease) -> list[Loadable]:
    is_layout = b"index.json" in held.documents
    transport = "oci-archive" if is_layout and b"manifest.json" not in held.documents else "docker-archive"
    rules = find_policy()
    if rules is not None:
        from rung.image.sign.admission import admit_archive

        admit_archive(rules, transport)
    if is_layout:
        from rung.image.archive.layout import layout_images

        return layout_images(content, held, platform)
    if b"manifest.json" in held.documents:
        from rung.image.archive.docker import docker_images

        return docker_images(content, held, lease)
    if b"repositories" in held.documents:
        from rung.image.archive.legacy import legacy_images

        return legacy_images(content, held, lease)
    hint = "rung import takes the tar of a root file system"
    raise ArchiveError("archive", "", "has neither index.json nor manifest.json: it is no image", hint)


def _load(content: Content, image: Loadable, lease: Lease, progress: Progress) -> list[str]:
    progress(Event("", f"Loading {familiar(image.names[0]) if image.names else image.manifest.config.digest}"))
    config = content.config(image.manifest)
    content.unpack(image.manifest, config, lease, progress)
    for name in image.names or ("",):
        content.publish(name, image.target, image.manifest_at, image.manifest, config)
    if image.names:
        return list(image.names)
    known = [row.name for row in content.metadata.images_of(str(image.manifest.config.digest))]
    return known[-1:] or [DANGLING + str(image.manifest_at.digest)]
