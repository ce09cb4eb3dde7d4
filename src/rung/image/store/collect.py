"""Collection: removing what no name, container or lease reaches.

Rule: what the database knows goes first, and is committed; then, under the write lock again (which
a lease needs as well, so that nothing that somebody is about to rely on is removed), the files
that it does not know. Killed at any moment, this leaves files too many and never a row without
its files. Unpacked layers are only renamed away under the lock, and removed afterwards.
"""

from __future__ import annotations

import errno
import fcntl
import os

from rung.image.snapshot.tree import remove_tree
from rung.image.store import owner
from rung.image.store.metadata import chain_key
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.content import Content
    from rung.image.store.metadata import Transaction

_TRIES = 10


class Collected(Record):
    """What went: keys, the bytes of blobs, the bytes of unpacked layers by their key."""

    keys: tuple[str, ...]
    blob_bytes: int
    layers: dict[str, int]

    @property
    def layer_bytes(self) -> int:
        """Of all layers."""
        return sum(self.layers.values())


def collect(content: Content) -> Collected:
    """Remove what nothing reaches; may run while others pull, start and remove."""
    sizes = _forget(content)
    keys: list[str] = []
    with content.metadata.transaction(durable=False) as change:
        needed = change.reachable()
        blob_bytes = _blobs(content, needed, keys)
        doomed = [*_layers(content, change, needed, keys), *_rootfs(content)]
    blob_bytes += _parts(content.blobs.ingest_directory)
    for path in doomed:
        remove_tree(path)
    for path in content.layers.abandoned():
        _remove_abandoned(path, owner.me())
    for path in _abandoned_rootfs(content):
        _remove_abandoned(path, f".new-{owner.me()}")
    return Collected(tuple(keys), blob_bytes, {key: size for key, size in sizes.items() if key in set(keys)})


def _forget(content: Content) -> dict[str, int]:
    """Take what is not needed out of the database: the sizes of the layers, by key."""
    with content.metadata.transaction() as change:
        change.drop_dead_leases()
        needed = change.reachable()
        sizes = {}
        for chain, size in change.execute("SELECT chain, size FROM snapshot").fetchall():
            if chain_key(chain) not in needed:
                sizes[chain_key(chain)] = int(size)
                change.execute("DELETE FROM snapshot WHERE chain = ?", chain)
        for parent in {row[0] for row in change.execute("SELECT DISTINCT parent FROM edge")} - needed:
            change.execute("DELETE FROM edge WHERE parent = ?", parent)
        for digest in {row[0] for row in change.execute("SELECT digest FROM manifest")} - needed:
            change.execute("DELETE FROM manifest WHERE digest = ?", digest)
    return sizes


def _blobs(content: Content, needed: set[str], removed: list[str]) -> int:
    freed = 0
    for digest in list(content.blobs.all()):
        if str(digest) not in needed:
            freed += content.blobs.remove(digest)
            removed.append(str(digest))
    return freed


def _layers(content: Content, change: Transaction, needed: set[str], removed: list[str]) -> Iterator[str]:
    """Rename layers away that are neither known nor held by somebody who brings them in."""
    known = {str(row[0]) for row in change.execute("SELECT chain FROM snapshot")}
    for chain in sorted(content.layers.all()):
        if chain in known or chain_key(chain) in needed:
            continue
        if path := content.layers.discard(Digest.parse(chain)):
            removed.append(chain_key(chain))
            yield path


def _parts(directory: str) -> int:
    """Remove parts of blobs that nobody is writing: their bytes."""
    freed = 0
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            freed += os.fstat(fd).st_size
            os.unlink(path)
        except (BlockingIOError, FileNotFoundError):
            pass  # being written, or just finished
        finally:
            os.close(fd)
    return freed


def _rootfs(content: Content) -> Iterator[str]:
    """Rename away what was put in its place by a process that was killed before the database knew."""
    known = {row.id for row in content.metadata.all_rootfs()}
    for name in os.listdir(content.rootfs_directory):
        if not name.startswith(".") and name not in known:
            path = os.path.join(content.rootfs_directory, f".new-{owner.me()}-{os.urandom(4).hex()}")
            os.rename(os.path.join(content.rootfs_directory, name), path)
            yield path


def _remove_abandoned(path: str, prefix: str) -> None:
    """Remove what a killed process has left, unless another collection was quicker to make it its own."""
    own = os.path.join(os.path.dirname(path), f"{prefix}-{os.urandom(4).hex()}")
    try:
        os.rename(path, own)
    except FileNotFoundError:
        return
    for _ in range(_TRIES):
        try:
            remove_tree(own)
            return
        except OSError as error:  # a program that the killed process had started has not noticed yet
            if error.errno != errno.ENOTEMPTY:
                raise


def _abandoned_rootfs(content: Content) -> list[str]:
    """Root file systems that a process was making or removing when it was killed."""
    names = [name for name in os.listdir(content.rootfs_directory) if name.startswith(".new-")]
    dead = [name for name in names if not owner.alive("-".join(name.split("-")[1:4]))]
    return [os.path.join(content.rootfs_directory, name) for name in dead]
