"""The face of this rung: a ``Store``.

Rule: here names are resolved and work is handed on; how anything is done stands in the
module that does it, and is imported when it is asked for.
"""

from __future__ import annotations

import os

from rung.image import rootfs as rootfs_of
from rung.image.content import Content
from rung.image.errors import ImageError, ImageNotFound
from rung.image.images import find
from rung.image.images.image import Image, names
from rung.image.progress import silent
from rung.spec.image import Platform, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

    from rung.image.cancellation import Cancellation
    from rung.image.images.forest import ImageTree
    from rung.image.images.history import Past
    from rung.image.images.remove import Removed
    from rung.image.images.summary import Summary
    from rung.image.images.usage import Usage
    from rung.image.progress import Progress
    from rung.image.registry.auth import Credentials
    from rung.image.rootfs import Rootfs
    from rung.image.store.collect import Collected
    from rung.image.store.verify import Problem, Verified
    from rung.spec.image import Descriptor

DEFAULT_ROOT = "/var/lib/rung"


class Store:
    """The images of one host, below ``root``. Safe to use from several processes and threads."""

    def __init__(self, root: str = DEFAULT_ROOT, *, snapshotter: str = "") -> None:
        self.root = os.path.abspath(root)
        self.content = Content(os.path.join(self.root, "image"), snapshotter)

    @property
    def snapshotter(self) -> str:
        """How layers become root file systems here: ``overlay``, ``erofs`` or ``native``."""
        if self.content.snapshots.named:
            return self.content.snapshots.named
        from rung.image.snapshot.driver import choose

        return choose(self.content.rootfs_directory).name

    def set_snapshotter(self, name: str) -> None:
        """Make one the store's own choice; empty for what the host can do."""
        self.content.snapshots.set(name)

    def close(self) -> None:
        """Close what is open; the store may be used again."""
        self.content.metadata.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- finding ---------------------------------------------------------------------

    def images(self) -> list[Image]:
        """All images, newest first; one for each name, those without a name too."""
        return [Image(self.content, row) for row in names(self.content.metadata.images())]

    def summaries(self, filters: Mapping[str, Sequence[str]] | None = None) -> list[Summary]:
        """All images as docker lists them, one for each ID, newest first; docker's ``filters``."""
        from rung.image.images.summary import listed

        return listed(self.content, filters or {})

    def forest(self, filters: Mapping[str, Sequence[str]] | None = None) -> list[ImageTree]:
        """What ``summaries`` lists as trees: of an index, its manifests, here or not."""
        from rung.image.images.forest import forest

        return forest(self.content, filters or {})

    def get(self, name: str) -> Image:
        """The image of that name, or whose ID (or digest) begins so. Raises ``ImageNotFound``."""
        return find.get(self.content, name)

    def find(self, name: str) -> Image | None:
        """As ``get``, but None where there is none."""
        return find.find(self.content, name)

    def history(self, image: Image) -> list[Past]:
        """How an image came to be, newest step first."""
        from rung.image.images.history import history

        return history(self.content, image)

    def _row(self, name: str) -> Image:
        row = self.content.metadata.image(name)
        if row is None:  # somebody else was quick to remove it
            raise ImageNotFound(name)
        return Image(self.content, row)

    # --- bringing in -----------------------------------------------------------------

    def pull(
        self,
        name: str,
        platform: str | None = None,
        progress: Progress = silent,
        *,
        all_platforms: bool = False,
        insecure: bool = False,
        credentials: Credentials | None = None,
        cancellation: Cancellation | None = None,
    ) -> Image:
        """Fetch an image from its registry, with ``credentials`` or the kept login. ``all_platforms`` brings
        the others' content too (the image can then be pushed whole); ``insecure`` allows plain HTTP and unknown
        certificates. Raises ``Cancelled`` where ``cancellation`` says so."""
        from rung.image.registry.limits import limits_with
        from rung.image.registry.pull import pull

        wanted = Platform.parse(platform) if platform else host_platform()
        reference = Reference.parse(name)
        how: dict[str, Any] = {"insecure": insecure, "credentials": credentials, "limits": limits_with(cancellation)}
        pull(self.content, reference, wanted, progress, all_platforms=all_platforms, **how)
        return self.get(str(reference))

    def import_(
        self, file: BinaryIO, name: str, progress: Progress = silent, *, platform: str | None = None, **config: Any
    ) -> Image:
        """Make an image of one layer from a root file system's tar (also compressed); without a
        name it dangles. ``config``: fields of ``ImageConfig`` such as ``cmd=("sh",)``."""
        from rung.image.archive.rootfs import import_rootfs

        reference = str(find.parse_name(name)) if name else ""
        wanted = Platform.parse(platform) if platform else host_platform()
        known = import_rootfs(self.content, file, reference, wanted, progress, **config)
        return self._row(known)

    def load(self, file: BinaryIO, progress: Progress = silent) -> list[Image]:
        """Load images from an archive that docker, podman, skopeo or Rung saved."""
        from rung.image.archive.load import load

        return [self._row(name) for name in load(self.content, file, host_platform(), progress)]

    def commit(
        self, image: Image, layer: BinaryIO, name: str, config: Mapping[str, Any], **words: str
    ) -> Image:
        """An image of ``image`` and one more layer (an archive). ``config`` is its configuration's ``config`` object,
        ``words``: ``author``, ``comment``, ``created_by``; without a name it dangles."""
        from rung.image.archive.commit import commit

        reference = str(Reference.parse(name)) if name else ""
        return self._row(commit(self.content, image, layer, reference, config, **words))

    def bootstrap(self, name: str, progress: Progress = silent, *, mirror: str = "", tag: str = "") -> Image:
        """Build a base image from its distribution's own signed archive (``debian:trixie``)."""
        from rung.image.bootstrap import bootstrap

        reference = Reference.parse(tag or name)
        bootstrap(self.content, name, reference, host_platform(), progress, mirror=mirror)
        return self.get(str(reference))

    # --- giving out ------------------------------------------------------------------

    def push(
        self,
        name: str,
        progress: Progress = silent,
        platform: str | None = None,
        *,
        insecure: bool = False,
        credentials: Credentials | None = None,
        cancellation: Cancellation | None = None,
    ) -> Descriptor:
        """Bring an image into the registry that its name says: all platforms of it that came here, or
        one; what the registry has now. Raises ``Cancelled`` where ``cancellation`` says so."""
        from rung.image.registry.limits import limits_with
        from rung.image.transfer.push import push

        wanted = Platform.parse(platform) if platform else None
        how: dict[str, Any] = {"insecure": insecure, "credentials": credentials, "limits": limits_with(cancellation)}
        return push(self.content, name, progress, platform=wanted, **how)

    def save(
        self, names: Sequence[str], file: BinaryIO, format: str = "docker-archive", platform: str | None = None
    ) -> None:
        """Write images as one archive: ``docker-archive`` (which is an OCI layout too, as
        docker 25 writes it) or ``oci-archive``. A name without a tag means all tags that it has."""
        from rung.image.archive.save import save

        wanted = Platform.parse(platform) if platform else None
        save(self.content, [image for name in names for image in find.named(self.content, name)], file, format, wanted)

    def tag(self, source: str, name: str) -> Image:
        """Give an image one more name."""
        reference = find.parse_name(name)
        if reference.digest:
            raise ImageError("refusing to create a tag with a digest reference")
        image = self.get(source)
        row = image.row
        with self.content.metadata.transaction() as change:
            change.set_image(str(reference), row.target, row.target_type, row.manifest)
            self.content.write_index()
        return self.get(str(reference))

    def prune(self, filters: Mapping[str, Sequence[str]] | None = None, *, all: bool = False) -> list[Removed]:
        """Remove images without a name, or with ``all`` every one that no container was made from."""
        from rung.image.images.prune import prune

        return prune(self.content, filters or {}, all=all)

    def remove(self, name: str, *, force: bool = False) -> Removed:
        """Take a name away, or with an ID all names of the image; content that nothing else needs
        goes with the last one. Raises ``ImageInUse`` where docker would not; ``force`` as docker's
        (a stopped container keeps its files)."""
        from rung.image.images.remove import remove

        return remove(self.content, name, force=force)

    # --- care ------------------------------------------------------------------------

    def collect(self) -> Collected:
        """Remove content that no image, container or living lease needs; others may work meanwhile."""
        return self.content.collect()

    def usage(self) -> Usage:
        """How much room the images take."""
        from rung.image.images.usage import usage

        return usage(self.content)

    def verify(self, progress: Progress = silent) -> Verified:
        """Hash every blob again and follow every name."""
        from rung.image.store.verify import verify

        return verify(self.content, progress)

    def repair(self, problems: Sequence[Problem]) -> None:
        """Put right what ``verify`` found, as far as that needs no registry."""
        from rung.image.store.repair import repair

        repair(self.content, problems)

    # --- running ---------------------------------------------------------------------

    def prepare_rootfs(self, image: Image, container_id: str, *, driver: str = "") -> Rootfs:
        """A writable root file system for a container; the same one when asked again.

        ``driver``: ``overlay`` or ``native`` (copy); empty for what the file system can do. Raises
        ``PolicyError`` where the policy of this machine does not let the image run."""
        from rung.image.sign.policy_file import find_policy

        if rules := find_policy():
            from rung.image.sign.admission import admit_stored

            admit_stored(rules, self.content, image)
        manifest, config = image.manifest, image.config
        with self.content.metadata.lease(f"container {container_id}") as lease:
            lease.hold([image.row.manifest])
            self.content.unpack(manifest, config, lease, silent)
            return rootfs_of.prepare(self.content, container_id, image.row.chain, image.row.manifest, driver)

    def rootfs(self, container_id: str) -> Rootfs | None:
        """The root file system of a container, if it has one here."""
        return rootfs_of.find(self.content, container_id)

    def remove_rootfs(self, container_id: str) -> None:
        """Unmount and remove a container's root file system; nothing to do where there is none."""
        rootfs = rootfs_of.find(self.content, container_id)
        if rootfs is not None:
            rootfs.remove()


def host_platform() -> Platform:
    """What this machine runs."""
    return Platform.of_machine(os.uname().machine)


