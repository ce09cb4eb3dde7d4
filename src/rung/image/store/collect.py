"""Collection: removing what no name, container or lease reaches.

Rule: all of it happens under the database's write lock, which a lease needs as well, so
that nothing that somebody is about to rely on is removed. Unpacked layers are only
renamed away under the lock, and removed afterwards.
"""

from __future__ import annotations

import fcntl
import os

from rung.image.snapshot.tree import remove_tree
from rung.image.store import owner
from rung.image.store.metadata import chain_key
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.store.metadata import Transaction


class Collected(Record):
    """What went: keys, the bytes of blobs, the bytes of unpacked layers."""

    keys: tuple[str, ...]
    blob_bytes: int
    layer_bytes: int


def collect(content: Content) -> Collected:
    """Remove what nothing reaches; may run while others pull, start and remove."""
    keys: list[str] = []
    sizes: dict[str, int] = {}
    with content.metadata.transaction() as change:
        change.drop_dead_leases()
        needed = change.reachable()
        freed = _blobs(content, needed, keys)
        doomed = _layers(content, change, needed, keys, sizes)
        for parent in {row[0] for row in change.execute("SELECT DISTINCT parent FROM edge")} - needed:
            change.execute("DELETE FROM edge WHERE parent = ?", parent)
        for digest_text in {row[0] for row in change.execute("SELECT digest FROM manifest")} - needed:
            change.execute("DELETE FROM manifest WHERE digest = ?", digest_text)
    freed += _parts(content.blobs.ingest_directory)
    for path in (*doomed, *content.layers.abandoned(), *_abandoned_rootfs(content)):
        remove_tree(path)
    return Collected(tuple(keys), freed, sum(sizes.values()))


def _blobs(content: Content, needed: set[str], removed: list[str]) -> int:
    freed = 0
    for digest in list(content.blobs.all()):
        if str(digest) not in needed:
            freed += content.blobs.remove(digest)
            removed.append(str(digest))
    return freed


def _layers(
    content: Content, change: Transaction, needed: set[str], removed: list[str], sizes: dict[str, int]
) -> list[str]:
    doomed = []
    known = {str(chain): int(size) for chain, size in change.execute("SELECT chain, size FROM snapshot")}
    known = dict.fromkeys(content.layers.all(), 0) | known
    for chain in sorted(known):
        if chain_key(chain) in needed:
            continue
        change.execute("DELETE FROM snapshot WHERE chain = ?", chain)
        if path := content.layers.discard(Digest.parse(chain)):
            doomed.append(path)
            sizes[chain] = known[chain]
            removed.append(chain_key(chain))
    return doomed


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


def _abandoned_rootfs(content: Content) -> list[str]:
    """Root file systems that a process was making or removing when it was killed."""
    names = [name for name in os.listdir(content.rootfs_directory) if name.startswith(".new-")]
    dead = [name for name in names if not owner.alive("-".join(name.split("-")[1:4]))]
    return [os.path.join(content.rootfs_directory, name) for name in dead]
