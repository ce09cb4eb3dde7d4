"""Names, what refers to what, and who holds what: SQLite in WAL mode.

Rule: files are the truth about content, this database about names and use. Every
thing has a key: a blob its digest, an unpacked chain of layers ``chain:`` and its
chain ID. ``edge`` says which keys a key needs; what no image, root file system or
living lease reaches over edges may be collected. Whoever relies on content that is
already there takes a lease on it first: leases and collection both need the write
lock, so content cannot vanish in between.
"""

from __future__ import annotations

import os
import sqlite3
import threading

from rung import jsonc
from rung.image.store.database import failed, open_database
from rung.image.store.lease import Lease
from rung.image.store.transaction import DANGLING, REGISTRY, Transaction, chain_key
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DANGLING", "REGISTRY", "ImageRow", "Lease", "Metadata", "RootfsRow", "Transaction", "chain_key"]


class ImageRow(Record):
    """A name and the manifest behind it. Sizes in bytes, times in RFC 3339 or seconds since 1970."""

    name: str
    target: str
    target_type: str
    manifest: str
    updated: float
    media_type: str
    manifest_size: int
    config: str
    chain: str
    created: str
    platform: str
    unpacked: int
    labels: dict[str, str]


class RootfsRow(Record):
    """A container's root file system; ``target`` is where it is mounted, or empty."""

    id: str
    driver: str
    chain: str
    manifest: str
    target: str


#: Connections from before a fork: SQLite must neither use nor close them here.
_INHERITED: list[sqlite3.Connection] = []
_IMAGE_COLUMNS = """
SELECT name, target, target_type, digest, updated, media_type, size, config, chain, created, platform,
    unpacked, labels FROM image JOIN manifest ON image.manifest = manifest.digest
"""

#: Chains that are kept in memory.
_CHAINS_KNOWN = 256


class Metadata:
    """The database. Safe for several processes and threads; every method is one transaction."""

    def __init__(self, path: str) -> None:
        self._connection: sqlite3.Connection | None = None
        self._pid = self._file = 0
        self.path = path
        self._lock = threading.RLock()
        self._chains: dict[str, tuple[str, ...]] = {}

    # --- the connection ------------------------------------------------------------

    def _db(self) -> sqlite3.Connection:
        with self._lock:
            if self._connection and self._pid != os.getpid():
                _INHERITED.append(self._connection)
                self._connection = None
            elif self._connection and not self._connection.in_transaction and _inode(self.path) != self._file:
                self.close()  # a repair has made it anew
            if self._connection is None:
                self._connection = open_database(self.path)
                self._pid, self._file = os.getpid(), _inode(self.path)
            return self._connection

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()

    def transaction(self, *, durable: bool = True) -> Transaction:
        """The write lock, held until the context ends; an error undoes everything. What is not
        ``durable`` may be undone by a power cut as well: it costs no waiting for the disk."""
        return Transaction(self._db(), self._lock, self.path, durable=durable)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a question answers, outside of any transaction."""
        with self._lock:
            try:
                return self._db().execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise failed("read", self.path, error) from error

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the file."""
        return [str(row[0]) for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]

    # --- images --------------------------------------------------------------------

    def images(self) -> list[ImageRow]:
        """All names, newest first."""
        rows = self.rows(_IMAGE_COLUMNS + "ORDER BY created DESC, name")
        return [_image_row(row) for row in rows]

    def image(self, name: str) -> ImageRow | None:
        """The image of that full name."""
        rows = self.rows(_IMAGE_COLUMNS + "WHERE name = ?", name)
        return _image_row(rows[0]) if rows else None

    def images_of(self, config: str) -> list[ImageRow]:
        """All names of the image of that ID, in the order in which it got them."""
        return [_image_row(row) for row in self.rows(_IMAGE_COLUMNS + "WHERE config = ? ORDER BY updated", config)]

    def images_by_id(self, prefix: str) -> list[ImageRow]:
        """Images whose ID (their config's digest), manifest or target starts with ``prefix``
        (algorithm included)."""
        end = prefix + "g"  # behind every hexadecimal digit
        ranges = " OR ".join(f"({column} >= ? AND {column} < ?)" for column in ("config", "digest", "target"))
        return [_image_row(row) for row in self.rows(_IMAGE_COLUMNS + "WHERE " + ranges, *(prefix, end) * 3)]

    # --- unpacked layers and root file systems ---------------------------------------

    def snapshot_size(self, chain: str) -> int | None:
        """The bytes that the top layer of a chain added, or None where it is not unpacked."""
        rows = self.rows("SELECT size FROM snapshot WHERE chain = ?", chain)
        return int(rows[0][0]) if rows else None

    def chain_size(self, chain: str) -> int:
        """The bytes of all layers of a chain."""
        query = """WITH RECURSIVE up(chain, parent, size) AS (
            SELECT chain, parent, size FROM snapshot WHERE chain = ?
            UNION SELECT s.chain, s.parent, s.size FROM snapshot s JOIN up ON s.chain = up.parent)
            SELECT coalesce(sum(size), 0) FROM up"""
        return int(self.rows(query, chain)[0][0])

    def chain_of(self, chain: str) -> list[str]:
        """The chain IDs from the top layer down to the base. A chain ID is made of those below it: what was found once
        stays so."""
        known = self._chains.get(chain)
        if known is not None:
            return list(known)
        query = """WITH RECURSIVE up(chain, parent, depth) AS (
            SELECT chain, parent, 0 FROM snapshot WHERE chain = ?
            UNION SELECT s.chain, s.parent, depth + 1 FROM snapshot s JOIN up ON s.chain = up.parent)
            SELECT chain FROM up ORDER BY depth"""
        found = [str(row[0]) for row in self.rows(query, chain)]
        if found:
            if len(self._chains) >= _CHAINS_KNOWN:
                self._chains.clear()
            self._chains[chain] = tuple(found)
        return found

    def snapshot_sizes(self) -> dict[str, int]:
        """What each unpacked layer adds, by chain ID."""
        return {str(chain): int(size) for chain, size in self.rows("SELECT chain, size FROM snapshot")}

    def chains(self) -> list[str]:
        """The chain IDs of all unpacked layers."""
        return [str(row[0]) for row in self.rows("SELECT chain FROM snapshot ORDER BY chain")]

    def diff_ids(self) -> list[tuple[str, str]]:
        """The chain and diff IDs of the unpacked layers that came from archives."""
        rows = self.rows("SELECT chain, diff_id FROM snapshot WHERE diff_id != '' ORDER BY chain")
        return [(str(chain), str(diff_id)) for chain, diff_id in rows]

    def all_rootfs(self) -> list[RootfsRow]:
        """The root file systems of all containers."""
        query = "SELECT id, driver, chain, manifest, target FROM rootfs ORDER BY id"
        return [RootfsRow(*row) for row in self.rows(query)]

    def rootfs(self, id: str) -> RootfsRow | None:
        """A container's root file system."""
        rows = self.rows("SELECT id, driver, chain, manifest, target FROM rootfs WHERE id = ?", id)
        return RootfsRow(*rows[0]) if rows else None

    def chains_shown(self) -> list[str]:
        """The chains of the root file systems that are mounted."""
        return [str(row[0]) for row in self.rows("SELECT DISTINCT chain FROM rootfs WHERE target != ''")]

    def rootfs_of_manifest(self, manifest: str) -> list[str]:
        """The containers whose root file system was made from an image."""
        rows = self.rows("SELECT id FROM rootfs WHERE manifest = ? ORDER BY id", manifest)
        return [str(row[0]) for row in rows]

    def rootfs_of_image(self, config: str) -> list[RootfsRow]:
        """The root file systems made from an image of that ID."""
        query = """SELECT id, driver, rootfs.chain, manifest, target FROM rootfs
            JOIN manifest ON rootfs.manifest = manifest.digest WHERE config = ? ORDER BY rootfs.created"""
        return [RootfsRow(*row) for row in self.rows(query, config)]

    # --- leases ----------------------------------------------------------------------

    def lease(self, purpose: str) -> Lease:
        """A hold on content for as long as the context (and this process) lives."""
        return Lease(self, purpose)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def _image_row(row: tuple[Any, ...]) -> ImageRow:
    *columns, labels = row
    return ImageRow(**dict(zip(ImageRow.fields, [*columns, jsonc.loads(labels)])))
