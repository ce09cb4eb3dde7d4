"""One host's images as files and names: blobs, unpacked layers, and what they are called.

Rule: whatever brings an image in (a registry, an archive, a bootstrap) does it in the
same three steps: take a lease, ``unpack`` the layers that are not there, ``publish`` the
name. Nothing is visible before ``publish``, everything is afterwards.
"""

from __future__ import annotations

import os
from functools import partial

from rung.image.bring import Bringing
from rung.image.errors import ContentError, StoreError
from rung.image.layer.jobs import Job, Jobs
from rung.image.progress import COMPLETE, EXISTS, Event
from rung.image.snapshot.chain import chain_ids
from rung.image.snapshot.choice import Choice
from rung.image.snapshot.driver import choose
from rung.image.snapshot.layers import Layers
from rung.image.snapshot.tree import is_opaque, remove_tree
from rung.image.store.blobs import Blobs
from rung.image.store.layout import write_index, write_marker
from rung.image.store.metadata import Metadata, chain_key
from rung.image.store.references import needs, present
from rung.spec.image import Index, parse_config, parse_manifest
from rung.spec.image.manifest import check_layers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rung.image.bring import Source
    from rung.image.progress import Progress
    from rung.image.snapshot.driver import Driver
    from rung.image.snapshot.layers import NewLayer
    from rung.image.store.collect import Collected
    from rung.image.store.metadata import Lease, Transaction
    from rung.spec.image import Descriptor, Digest, ImageConfig, Manifest

#: Layers brought in (downloaded, unpacked) at the same time; each holds up to 8 MiB of buffers (what has come and is
#: not decompressed yet, one piece on either side of that, a pipe) and keeps two processors busy at most.
AT_ONCE = min(8, max(3, os.cpu_count() or 1))
#: Twice as many where all are smaller than this: they wait for the disk and the registry, not for a processor.
_SMALL_BYTES = 1 << 20


class Content:
    """The store's insides, below ``directory`` (an OCI image layout)."""

    def __init__(self, directory: str, snapshotter: str = "") -> None:
        self.directory = directory
        self.blobs = Blobs(directory)
        self.layers = Layers(os.path.join(directory, "snapshots"))
        self.snapshots = Choice(os.path.join(directory, "snapshots"), snapshotter)
        self.rootfs_directory = os.path.join(directory, "rootfs")
        self.metadata = Metadata(os.path.join(directory, "metadata.db"))
        self._driver: Driver | None = None
        try:
            os.makedirs(self.rootfs_directory, mode=0o700, exist_ok=True)
            self.blobs.make_directories()
            self.layers.make_directories()
            write_marker(directory)
        except OSError as error:
            hint = "run as root, or choose another place with --data-root"
            raise StoreError("store", directory, error.strerror or "", hint) from error

    def driver(self) -> Driver:
        """What the file system can do for containers; it is tried once in a process."""
        if self._driver is None:
            self._driver = choose(self.rootfs_directory)
        return self._driver

    # --- reading ---------------------------------------------------------------------

    def manifest(self, digest: Digest, media_type: str = "") -> Manifest:
        """An image's manifest from the store."""
        parsed = parse_manifest(self.blobs.read(digest), media_type, f"manifest {digest}")
        if isinstance(parsed, Index):
            raise ContentError("manifest", str(digest), "is an index of manifests")
        return parsed

    def config(self, manifest: Manifest) -> ImageConfig:
        """A manifest's image configuration from the store, as many layers in it as in the manifest."""
        document = f"config {manifest.config.digest}"
        check_layers(manifest, document)
        config = parse_config(self.blobs.read(manifest.config.digest), document)
        if len(config.diff_ids) != len(manifest.layers):
            reason = f"names {len(config.diff_ids)} layers, its manifest {len(manifest.layers)}"
            raise ContentError("config", str(manifest.config.digest), reason)
        return config

    def lower_directories(self, chain: str) -> list[str]:
        """The directories of a chain's layers, topmost first. Those that are kept as archives are mounted."""
        from rung.spec.image import Digest

        lowers = []
        for one in self.metadata.chain_of(chain):
            lowers.append(self.layers.show(Digest.parse(one)))
            # In a lower's root directory overlayfs takes no notice of this.
            if is_opaque(lowers[-1]):
                break
        return lowers

    def hide_layers(self, chain: str) -> None:
        """Unmount those of a chain's layers that no root file system shows: an overlay has its own
        view of them, so that this is never too early."""
        from rung.spec.image import Digest

        mounted = [one for one in self.metadata.chain_of(chain) if self.layers.is_shown(Digest.parse(one))]
        if mounted:
            used = {one for top in self.metadata.chains_shown() for one in self.metadata.chain_of(top)}
            for one in mounted:
                if one not in used:
                    self.layers.hide(Digest.parse(one))

    # --- bringing in -----------------------------------------------------------------

    def unpack(
        self,
        manifest: Manifest,
        config: ImageConfig,
        lease: Lease,
        progress: Progress,
        source: Source | None = None,
    ) -> None:
        """Unpack the layers that are not there yet, several at a time.

        ``source`` is asked for each of their blobs first."""
        chains = chain_ids(config.diff_ids)
        lease.hold([chain_key(str(chain)) for chain in chains])
        missing = self._missing(chains)
        for layer, chain in zip(manifest.layers, chains):
            if chain not in missing:
                progress(Event(layer.digest.short, EXISTS))
        if not missing:
            return
        bringing = Bringing(self, source, progress, beside=len(missing))
        all_small = all(layer.size < _SMALL_BYTES for layer in manifest.layers)
        with Jobs(AT_ONCE * 2 if all_small else AT_ONCE, "unpack") as pool:
            jobs: list[Job | None] = []
            for layer, diff_id, chain in zip(manifest.layers, config.diff_ids, chains):
                wanted = chain in missing
                jobs.append(pool.start(partial(bringing.layer, layer, diff_id)) if wanted else None)
            try:
                self._stack(manifest, config, chains, jobs, progress)
            except BaseException:
                if source is not None:
                    source.cancel()
                for job in jobs:
                    if job is not None and not job.cancel():
                        _drop(job)
                raise
        self.sync_layers(missing)

    def _missing(self, chains: Sequence[Digest]) -> set[Digest]:
        missing = {c for c in chains if self.metadata.snapshot_size(str(c)) is None or not self._is_there(c)}
        for chain in missing:
            if self._is_there(chain):
                self._drop_torn(chain)
        return missing

    def _drop_torn(self, chain: Digest) -> None:
        """Remove a layer's files that the database does not know: they were written before the
        machine went down, or by somebody killed."""
        with self.metadata.transaction(durable=False):
            known = self.metadata.snapshot_size(str(chain)) is not None
            doomed = "" if known else self.layers.discard(chain)
        if doomed:
            remove_tree(doomed)

    def sync_layers(self, chains: Iterable[Digest]) -> None:
        """Wait until unpacked layers are on the disk, and write down that they are."""
        self.layers.sync()
        with self.metadata.transaction(durable=False) as change:  # the name that follows is durable
            change.layers_are_synced(map(str, chains))

    def _is_there(self, chain: Digest) -> bool:
        return bool(self.layers.form(chain))

    def _stack(
        self,
        manifest: Manifest,
        config: ImageConfig,
        chains: Sequence[Digest],
        jobs: Sequence[Job | None],
        progress: Progress,
    ) -> None:
        """Put the layers upon each other, base first, as they are unpacked."""
        lowers: list[Digest] = []
        for at, job in enumerate(jobs):
            if job is not None:
                new: NewLayer = job.result()
                parent = str(chains[at - 1]) if at else ""
                size = new.extracted.size_bytes
                with self.metadata.transaction(durable=False) as change:
                    new.stack(chains[at], lowers)
                    change.add_snapshot(str(chains[at]), parent, str(config.diff_ids[at]), size)
                short = manifest.layers[at].digest.short
                for note in new.extracted.notes:
                    progress(Event(short, f"note: {note}"))
                progress(Event(short, COMPLETE))
            lowers.insert(0, chains[at])

    def publish(
        self,
        name: str,
        target: Descriptor,
        manifest_at: Descriptor,
        manifest: Manifest,
        config: ImageConfig,
        digest_name: str = "",
    ) -> None:
        """Give the image its name. ``target`` is what the name stands for where it came from
        (an index, or the manifest itself), ``manifest_at`` the manifest that is unpacked here,
        ``digest_name`` (``docker.io/library/debian@sha256:...``) what else a registry calls it.
        Without ``name`` and ``digest_name`` it is kept as one that dangles."""
        with self.metadata.transaction() as change:
            chains = chain_ids(config.diff_ids)
            size = self.metadata.chain_size(str(chains[-1])) if chains else 0
            self.record(change, target, manifest_at, manifest, config, size)
            for one in filter(None, (name, digest_name)):
                change.set_image(one, str(target.digest), target.media_type, str(manifest_at.digest))
            change.set_dangling(str(manifest_at.digest), manifest.media_type)
            self.write_index()

    def record(
        self,
        change: Transaction,
        target: Descriptor,
        manifest_at: Descriptor,
        manifest: Manifest,
        config: ImageConfig,
        size_bytes: int,
    ) -> None:
        """Write down what a manifest needs and what lists show of it."""
        key = str(manifest_at.digest)
        chains = chain_ids(config.diff_ids)
        chain = str(chains[-1]) if chains else ""
        change.add_edges(key, [*needs(self.blobs, manifest), *([chain_key(chain)] if chain else [])])
        if target.digest != manifest_at.digest:
            for at, document in present(self.blobs, target):
                change.add_edges(str(at.digest), needs(self.blobs, document))
            change.add_edges(str(target.digest), [key])
        change.set_manifest(
            key,
            manifest.media_type,
            manifest_at.size,
            str(manifest.config.digest),
            chain,
            config.created,
            str(config.platform),
            size_bytes,
            dict(config.labels),
        )

    def write_index(self) -> None:
        """Bring the layout's ``index.json`` up to date; within a transaction."""
        write_index(self.directory, self.metadata.images())

    # --- letting go ------------------------------------------------------------------

    def collect(self) -> Collected:
        """Remove what nothing reaches any more."""
        from rung.image.store.collect import collect

        return collect(self)


def _drop(job: Job) -> None:
    """Remove what a job that cannot be stopped any more comes up with."""
    job.wait()
    if job.error is None:
        new: NewLayer = job.result()
        if os.path.isdir(new.path):
            new.drop()
