"""What changes the database: one write lock, all or nothing.

An image row's name is a full reference with a tag (``docker.io/library/debian:trixie``), one with
a digest (what a pull leaves beside the tag), or ``dangling_name`` of an image whose tag moved on.
"""

from __future__ import annotations

import sqlite3
import time

from rung import jsonc
from rung.image.store import owner
from rung.image.store.database import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable
    from types import TracebackType

    from rung.image.store.metadata import RootfsRow

DANGLING = "<none>@"
#: The key whose edges are what the repositories of ``rung registry serve`` link: always reached.
REGISTRY = "registry"

_REACHABLE = f"""
WITH RECURSIVE reached(key) AS (
    SELECT '{REGISTRY}' UNION SELECT target FROM image UNION SELECT manifest FROM image
    UNION SELECT key FROM lease_item
    UNION SELECT 'chain:' || chain FROM rootfs WHERE chain != ''
    UNION SELECT manifest FROM rootfs
    UNION SELECT child FROM edge JOIN reached ON edge.parent = reached.key)
SELECT key FROM reached
"""


def dangling_name(manifest: str) -> str:
    """What an image without a name has for one."""
    return DANGLING + manifest


def chain_key(chain: str) -> str:
    """The key of an unpacked chain of layers."""
    return f"chain:{chain}"


class Transaction:
    """``BEGIN IMMEDIATE`` to ``COMMIT``: the statements that change the database."""

    def __init__(
        self, connection: sqlite3.Connection, lock: threading.RLock, path: str, *, durable: bool = True
    ) -> None:
        self._db = connection
        self._lock = lock
        self._path = path
        self._durable = durable

    def __enter__(self) -> Transaction:
        self._lock.acquire()
        try:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise failed("lock", self._path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        except sqlite3.Error as wrong:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise failed("write", self._path, wrong) from wrong
        finally:
            self._lock.release()

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """One statement."""
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise failed("write", self._path, error) from error

    def add_edges(self, parent: str, children: Iterable[str]) -> None:
        """``parent`` needs ``children``."""
        self._db.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?)", [(parent, one) for one in children])

    def set_image(self, name: str, target: str, target_type: str, manifest: str) -> None:
        """Give an image a name, taking it from whichever had it; one without a name dangles."""
        before = self.execute("SELECT manifest FROM image WHERE name = ?", name).fetchone()
        self._insert(name, target, target_type, manifest)
        self.execute("DELETE FROM image WHERE name = ?", dangling_name(manifest))
        if before and before[0] != manifest:
            self._let_dangle(str(before[0]))

    def set_dangling(self, manifest: str, media_type: str) -> None:
        """Keep an image that has no name."""
        if not self.execute("SELECT 1 FROM image WHERE manifest = ?", manifest).fetchone():
            self._insert(dangling_name(manifest), manifest, media_type, manifest)

    def _insert(self, name: str, target: str, target_type: str, manifest: str) -> None:
        values = (name, target, target_type, manifest, time.time())
        self.execute("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?)", *values)

    def _let_dangle(self, manifest: str) -> None:
        """An image whose configuration nobody names any more stays until it is pruned, as docker's do."""
        query = """SELECT 1 FROM image JOIN manifest ON image.manifest = manifest.digest
            WHERE config = (SELECT config FROM manifest WHERE digest = ?)"""
        found = self.execute("SELECT media_type FROM manifest WHERE digest = ?", manifest).fetchone()
        if found and not self.execute(query, manifest).fetchone():
            self.set_dangling(manifest, str(found[0]))

    def remove_image(self, name: str, manifest: str) -> None:
        """Take a name away, unless it is another image's by now."""
        self.execute("DELETE FROM image WHERE name = ? AND manifest = ?", name, manifest)

    def set_manifest(
        self, digest: str, media_type: str, size: int, config: str, chain: str, created: str, platform: str,
        unpacked: int, labels: dict[str, str],
    ) -> None:  # fmt: skip
        """What listings show of a manifest."""
        values = (digest, media_type, size, config, chain, created, platform, unpacked, jsonc.dumps(labels))
        self.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)

    def add_snapshot(self, chain: str, parent: str, diff_id: str, size: int) -> None:
        """A layer has been unpacked; in the transaction in which it was renamed to its place, so
        that whoever has the write lock knows a directory without a row for nobody's."""
        values = (chain, parent, diff_id, size, time.time(), owner.boot_id())
        self.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?, ?)", *values)
        if parent:
            self.add_edges(chain_key(chain), [chain_key(parent)])

    def layers_are_synced(self, chains: Iterable[str]) -> None:
        """These layers are on the disk now."""
        for chain in chains:
            self.execute("UPDATE snapshot SET unsynced = '' WHERE chain = ?", chain)

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
