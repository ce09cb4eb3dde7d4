"""The face of this rung: a ``Store`` and the ``Image`` records it gives.

Rule: here names are resolved and work is handed on; how anything is done stands in the
module that does it, and is imported when it is asked for.
"""

from __future__ import annotations

import os

from rung import jsonc
from rung.image.content import Content
from rung.image.errors import ImageError, ImageInUse, ImageNotFound
from rung.image.progress import silent
from rung.image.rootfs import find, prepare
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, Platform, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

    from rung.image.progress import Progress
    from rung.image.rootfs import Rootfs
    from rung.image.store.metadata import ImageRow
    from rung.spec.image import ImageConfig, Manifest

DEFAULT_ROOT = "/var/lib/rung"


class Removed(Record):
    """What a removal did: names taken away, then the content that nothing needs any more."""

    untagged: tuple[str, ...]
    deleted: tuple[str, ...]
    freed_bytes: int


class Image:
    """One named image of the store. ``size_bytes`` is that of its unpacked files."""

    def __init__(self, content: Content, row: ImageRow) -> None:
        self._content = content
        self.row = row
        self.reference = Reference.parse(row.name)
        self.digest = Digest.parse(row.target)
        self.manifest_digest = Digest.parse(row.manifest)
        self.id = Digest.parse(row.config)
        self.platform = Platform.parse(row.platform)
        self.created = row.created
        self.size_bytes = row.unpacked
        self.labels = row.labels
        self._config: ImageConfig | None = None

    @property
    def name(self) -> str:
        """The name as people write it (``debian:trixie``)."""
        return self.reference.familiar

    @property
    def manifest(self) -> Manifest:
        """The manifest, read from the store."""
        return self._content.manifest(self.manifest_digest, self.row.media_type)

    @property
    def config(self) -> ImageConfig:
        """The configuration, typed: ``env``, ``cmd``, ``entrypoint``, ``working_dir``, ``user`` ..."""
        if self._config is None:
            self._config = self._content.config(self.manifest)
        return self._config

    @property
    def run_config(self) -> dict[str, Any]:
        """The configuration's ``config`` object as it stands, in Docker's and OCI's words."""
        document = jsonc.loads(self._content.blobs.read(self.id))
        return dict(document.get("config") or {})

    @property
    def descriptor(self) -> Descriptor:
        """Of the manifest."""
        return Descriptor(self.row.media_type, self.manifest_digest, self.row.manifest_size, self.platform)

    def __repr__(self) -> str:
        return f"Image({self.name!r}, {self.id.short!r})"


class Store:
    """The images of one host, below ``root``. Safe to use from several processes and threads."""

    def __init__(self, root: str = DEFAULT_ROOT) -> None:
        self.root = os.path.abspath(root)
        self.content = Content(os.path.join(self.root, "image"))

    def close(self) -> None:
        """Close what is open; the store may be used again."""
        self.content.metadata.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- finding ---------------------------------------------------------------------

    def images(self) -> list[Image]:
        """All images, newest first; one for each name."""
        return [Image(self.content, row) for row in self.content.metadata.images()]

    def get(self, name: str) -> Image:
        """The image of that name, or whose ID (or digest) begins so. Raises ``ImageNotFound``."""
        found = self.find(name)
        if found is None:
            raise ImageNotFound(name)
        return found

    def find(self, name: str) -> Image | None:
        """As ``get``, but None where there is none."""
        reference = _reference(name)
        if reference is not None:
            row = self.content.metadata.image(str(reference))
            if row is None and reference.digest:
                return self._by_digest(reference)
            if row is not None:
                return Image(self.content, row)
        return self._by_id(name)

    def _by_digest(self, reference: Reference) -> Image | None:
        for row in self.content.metadata.images_by_id(str(reference.digest)):
            image = Image(self.content, row)
            if image.reference.name == reference.name:
                return image
        return None

    def _by_id(self, text: str) -> Image | None:
        algorithm, colon, digits = text.rpartition(":")
        if (colon and algorithm != "sha256") or not digits or set(digits) - set("0123456789abcdef"):
            return None
        rows = self.content.metadata.images_by_id(f"sha256:{digits}")
        if len({row.config for row in rows}) > 1:
            raise ImageError("image", text, "stands for several images", "give more of its ID")
        return Image(self.content, rows[0]) if rows else None

    # --- bringing in -----------------------------------------------------------------

    def pull(
        self,
        name: str,
        platform: str | None = None,
        progress: Progress = silent,
        *,
        insecure: bool = False,
    ) -> Image:
        """Fetch an image from its registry. ``insecure`` allows plain HTTP and unknown certificates."""
        from rung.image.registry.pull import pull

        wanted = Platform.parse(platform) if platform else host_platform()
        reference = Reference.parse(name)
        pull(self.content, reference, wanted, progress, insecure=insecure)
        return self.get(str(reference))

    def import_(self, file: BinaryIO, name: str, progress: Progress = silent, **config: Any) -> Image:
        """Make an image of one layer from a root file system's tar (also compressed).

        ``config``: fields of ``ImageConfig`` such as ``cmd=("sh",)``."""
        from rung.image.archive.rootfs import import_rootfs

        reference = Reference.parse(name)
        import_rootfs(self.content, file, reference, host_platform(), progress, **config)
        return self.get(str(reference))

    def load(self, file: BinaryIO, progress: Progress = silent) -> list[Image]:
        """Load images from an archive that docker, podman, skopeo or Rung saved."""
        from rung.image.archive.load import load

        return [self.get(name) for name in load(self.content, file, host_platform(), progress)]

    def bootstrap(self, name: str, progress: Progress = silent, *, mirror: str = "", tag: str = "") -> Image:
        """Build a base image from its distribution's own signed archive (``debian:trixie``)."""
        from rung.image.bootstrap import bootstrap

        reference = Reference.parse(tag or name)
        bootstrap(self.content, name, reference, host_platform(), progress, mirror=mirror)
        return self.get(str(reference))

    # --- giving out ------------------------------------------------------------------

    def save(self, names: Sequence[str], file: BinaryIO, format: str = "docker-archive") -> None:
        """Write images as one archive: ``docker-archive`` (which is an OCI layout too, as
        docker 25 writes it) or ``oci-archive``."""
        from rung.image.archive.save import save

        save(self.content, [self.get(name) for name in names], file, format)

    def tag(self, source: str, name: str) -> Image:
        """Give an image one more name."""
        image = self.get(source)
        reference = Reference.parse(name)
        row = image.row
        with self.content.metadata.transaction() as change:
            change.set_image(str(reference), row.target, row.target_type, row.manifest)
            self.content.write_index()
        return self.get(str(reference))

    def remove(self, name: str, *, force: bool = False) -> Removed:
        """Take a name away, or with an ID all names of the image; content that nothing else needs
        goes with the last one. Raises ``ImageInUse`` where a container needs it, unless ``force``d
        (the container keeps its files)."""
        image = self.get(name)
        by_id = self._is_id(name, image)
        metadata = self.content.metadata
        rows = [row for row in metadata.images_by_id(str(image.id)) if row.config == str(image.id)]
        doomed = [row.name for row in rows] if by_id else [image.row.name]
        if by_id and len(doomed) > 1 and not force:
            names = ", ".join(Reference.parse(one).familiar for one in doomed)
            raise ImageError("remove", name, f"it has several names: {names}", "remove them, or use --force")
        users = metadata.rootfs_of_manifest(image.row.manifest)
        if users and len(doomed) == len(rows) and not force:
            container = ", ".join(user[:12] for user in users[:3])
            hint = "remove the container first, or use --force"
            raise ImageInUse("remove", name, f"is used by container {container}", hint)
        with metadata.transaction() as change:
            for one in doomed:
                change.execute("DELETE FROM image WHERE name = ?", one)
            self.content.write_index()
        keys, freed = self.content.collect()
        untagged = tuple(Reference.parse(one).familiar for one in doomed)
        return Removed(untagged, tuple(keys), freed)

    @staticmethod
    def _is_id(name: str, image: Image) -> bool:
        reference = _reference(name)
        return reference is None or reference.name != image.reference.name

    # --- running ---------------------------------------------------------------------

    def prepare_rootfs(self, image: Image, container_id: str, *, driver: str = "") -> Rootfs:
        """A writable root file system for a container; the same one when asked again.

        ``driver``: ``overlay`` or ``native`` (copy); empty for what the file system can do."""
        manifest, config = image.manifest, image.config
        with self.content.metadata.lease(f"container {container_id}") as lease:
            lease.hold([image.row.manifest])
            self.content.unpack(manifest, config, lease, silent)
            return prepare(self.content, container_id, image.row.chain, image.row.manifest, driver)

    def rootfs(self, container_id: str) -> Rootfs | None:
        """The root file system of a container, if it has one here."""
        return find(self.content, container_id)

    def remove_rootfs(self, container_id: str) -> None:
        """Unmount and remove a container's root file system; nothing to do where there is none."""
        rootfs = find(self.content, container_id)
        if rootfs is not None:
            rootfs.remove()


def host_platform() -> Platform:
    """What this machine runs."""
    return Platform.of_machine(os.uname().machine)


def _reference(name: str) -> Reference | None:
    try:
        return Reference.parse(name)
    except SpecError:
        return None
