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
import time

from rung import jsonc
from rung.image.errors import StoreError
from rung.image.store import owner
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

VERSION = 1
#: The key whose edges are what the repositories of ``rung registry serve`` link: always reached.
REGISTRY = "registry"
_BUSY_S = 60

_SCHEMA = """
CREATE TABLE image (
    name TEXT PRIMARY KEY, target TEXT NOT NULL, target_type TEXT NOT NULL,
    manifest TEXT NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE manifest (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL, config TEXT NOT NULL,
    chain TEXT NOT NULL, created TEXT NOT NULL, platform TEXT NOT NULL, unpacked INTEGER NOT NULL,
    labels TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX manifest_config ON manifest (config);
CREATE TABLE edge (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE snapshot (
    chain TEXT PRIMARY KEY, parent TEXT NOT NULL, diff_id TEXT NOT NULL, size INTEGER NOT NULL,
    created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE rootfs (
    id TEXT PRIMARY KEY, driver TEXT NOT NULL, chain TEXT NOT NULL, manifest TEXT NOT NULL,
    target TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (id TEXT PRIMARY KEY, owner TEXT NOT NULL, purpose TEXT NOT NULL,
    created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE lease_item (lease TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (lease, key)) WITHOUT ROWID;
"""

_REACHABLE = f"""
WITH RECURSIVE reached(key) AS (
    SELECT '{REGISTRY}' UNION SELECT target FROM image UNION SELECT manifest FROM image
    UNION SELECT key FROM lease_item
    UNION SELECT 'chain:' || chain FROM rootfs WHERE chain != ''
    UNION SELECT manifest FROM rootfs
    UNION SELECT child FROM edge JOIN reached ON edge.parent = reached.key)
SELECT key FROM reached
"""


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


_IMAGE_COLUMNS = """
SELECT name, target, target_type, digest, updated, media_type, size, config, chain, created, platform,
    unpacked, labels FROM image JOIN manifest ON image.manifest = manifest.digest
"""


def chain_key(chain: str) -> str:
    """The key of an unpacked chain of layers."""
    return f"chain:{chain}"


class Metadata:
    """The database. Safe for several processes and threads; every method is one transaction."""

    def __init__(self, path: str) -> None:
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self.path = path
        self._lock = threading.RLock()

    # --- the connection ------------------------------------------------------------

    def _db(self) -> sqlite3.Connection:
        with self._lock:
            if self._connection is None or self._pid != os.getpid():  # SQLite must not be carried over fork
                try:
                    self._connection = _open(self.path)
                except sqlite3.Error as error:
                    raise StoreError("open", self.path, str(error)) from error
                self._pid = os.getpid()
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

    def transaction(self) -> Transaction:
        """The write lock, held until the context ends; an error undoes everything."""
        return Transaction(self._db(), self._lock)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a question answers, outside of any transaction."""
        with self._lock:
            try:
                return self._db().execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError("read", self.path, str(error)) from error

    # --- images --------------------------------------------------------------------

    def images(self) -> list[ImageRow]:
        """All names, newest first."""
        rows = self.rows(_IMAGE_COLUMNS + "ORDER BY created DESC, name")
        return [_image_row(row) for row in rows]

    def image(self, name: str) -> ImageRow | None:
        """The image of that full name."""
        rows = self.rows(_IMAGE_COLUMNS + "WHERE name = ?", name)
        return _image_row(rows[0]) if rows else None

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
        """The chain IDs from the top layer down to the base."""
        query = """WITH RECURSIVE up(chain, parent, depth) AS (
            SELECT chain, parent, 0 FROM snapshot WHERE chain = ?
            UNION SELECT s.chain, s.parent, depth + 1 FROM snapshot s JOIN up ON s.chain = up.parent)
            SELECT chain FROM up ORDER BY depth"""
        return [str(row[0]) for row in self.rows(query, chain)]

    def rootfs(self, id: str) -> RootfsRow | None:
        """A container's root file system."""
        rows = self.rows("SELECT id, driver, chain, manifest, target FROM rootfs WHERE id = ?", id)
        return RootfsRow(*rows[0]) if rows else None

    def rootfs_of_manifest(self, manifest: str) -> list[str]:
        """The containers whose root file system was made from an image."""
        rows = self.rows("SELECT id FROM rootfs WHERE manifest = ? ORDER BY id", manifest)
        return [str(row[0]) for row in rows]

    # --- leases ----------------------------------------------------------------------

    def lease(self, purpose: str) -> Lease:
        """A hold on content for as long as the context (and this process) lives."""
        return Lease(self, purpose)


class Transaction:
    """``BEGIN IMMEDIATE`` to ``COMMIT``: the statements that change the database."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock) -> None:
        self._db = connection
        self._lock = lock

    def __enter__(self) -> Transaction:
        self._lock.acquire()
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise StoreError("lock the store", "", str(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._lock.release()

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """One statement."""
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreError("write the store's database", "", str(error)) from error

    def add_edges(self, parent: str, children: Iterable[str]) -> None:
        """``parent`` needs ``children``."""
        self._db.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?)", [(parent, one) for one in children])

    def set_image(self, name: str, target: str, target_type: str, manifest: str) -> None:
        """Give an image a name, taking it from whichever had it."""
        values = (name, target, target_type, manifest, time.time())
        self.execute("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?)", *values)

    def set_manifest(
        self, digest: str, media_type: str, size: int, config: str, chain: str, created: str, platform: str,
        unpacked: int, labels: dict[str, str],
    ) -> None:  # fmt: skip
        """What listings show of a manifest."""
        values = (digest, media_type, size, config, chain, created, platform, unpacked, jsonc.dumps(labels))
        self.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)

    def add_snapshot(self, chain: str, parent: str, diff_id: str, size: int) -> None:
        """A layer has been unpacked."""
        values = (chain, parent, diff_id, size, time.time())
        self.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?)", *values)
        if parent:
            self.add_edges(chain_key(chain), [chain_key(parent)])

    def add_rootfs(self, row: RootfsRow) -> None:
        """A container's root file system; one a container."""
        statement = "INSERT INTO rootfs VALUES (?, ?, ?, ?, ?, ?)"
        self.execute(statement, *row.values(), time.time())

    def drop_dead_leases(self) -> None:
        """Leases whose process has ended without giving them back."""
        for lease, holder in self.execute("SELECT id, owner FROM lease").fetchall():
            if not owner.alive(holder):
                self.execute("DELETE FROM lease_item WHERE lease = ?", lease)
                self.execute("DELETE FROM lease WHERE id = ?", lease)

    def reachable(self) -> set[str]:
        """The keys that are needed."""
        return {str(row[0]) for row in self.execute(_REACHABLE)}


class Lease:
    """Content held against collection. Given back at the context's end or the process's."""

    def __init__(self, metadata: Metadata, purpose: str) -> None:
        self.metadata = metadata
        self.purpose = purpose
        self.id = os.urandom(8).hex()

    def __enter__(self) -> Lease:
        with self.metadata.transaction() as change:
            values = (self.id, owner.me(), self.purpose, time.time())
            change.execute("INSERT INTO lease VALUES (?, ?, ?, ?)", *values)
        return self

    def hold(self, keys: Iterable[str]) -> None:
        """Keep these, whether they are there yet or not."""
        with self.metadata.transaction() as change:
            for key in keys:
                change.execute("INSERT OR IGNORE INTO lease_item VALUES (?, ?)", self.id, key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.metadata.transaction() as change:
            change.execute("DELETE FROM lease_item WHERE lease = ?", self.id)
            change.execute("DELETE FROM lease WHERE id = ?", self.id)


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:  # still, now that we hold the lock
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        connection.close()
        raise StoreError("open", path, f"was written by another version (format {version}, not {VERSION})")
    return connection


def _image_row(row: tuple[Any, ...]) -> ImageRow:
    *columns, labels = row
    return ImageRow(**dict(zip(ImageRow.fields, [*columns, jsonc.loads(labels)])))
