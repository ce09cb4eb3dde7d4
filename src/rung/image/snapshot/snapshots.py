"""Snapshots with containerd's verbs: for whoever builds layers, or speaks containerd's snapshot API.

    active     prepared on a parent, writable      committed   a layer upon its parent, never changed again
    view       prepared on a parent, read-only

Rule: there is one store of each kind, and this is another face of it. A committed snapshot is an
unpacked layer, named by a chain ID (``chain.py``); an active one or a view is a root file system, named by
its key. What differs between ``overlay``, ``erofs`` and ``native`` is the drivers' (``driver.py``).
containerd, core/snapshots/snapshotter.go.
"""

from __future__ import annotations

from rung.image.errors import StoreError
from rung.image.layer.extract import Extracted
from rung.image.rootfs import find, prepare
from rung.image.snapshot.driver import DRIVERS, VIEWS
from rung.image.snapshot.layers import FILES, NewLayer
from rung.image.snapshot.tree import remove_tree
from rung.image.snapshot.usage import Usage, bytes_of, usage_of
from rung.image.store.metadata import chain_key
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.content import Content
    from rung.image.rootfs import Rootfs
    from rung.image.snapshot.driver import Mount

ACTIVE, VIEW, COMMITTED = "active", "view", "committed"


class Info(Record):
    """``name`` is a chain ID or a key, ``parent`` a chain ID or empty, ``created`` in seconds since 1970."""

    kind: str
    name: str
    parent: str
    created: float


class Snapshots:
    """The snapshots of a store. Safe for several processes at once, as the store is."""

    def __init__(self, content: Content) -> None:
        self.content = content

    def prepare(self, key: str, parent: str = "") -> tuple[Mount, ...]:
        """An active snapshot on a committed one (or on nothing), and how it is mounted."""
        return self._prepare(key, parent, "")

    def view(self, key: str, parent: str = "") -> tuple[Mount, ...]:
        """The same, read-only."""
        return self._prepare(key, parent, self.content.snapshots.view)

    def _prepare(self, key: str, parent: str, driver: str) -> tuple[Mount, ...]:
        if find(self.content, key) is not None:
            raise StoreError("snapshot", key, "exists already")
        with self.content.metadata.lease(f"snapshot {key}") as lease:
            if parent:
                lease.hold([chain_key(parent)])
                self._committed(parent)
            return prepare(self.content, key, parent, "", driver).mounts

    def mounts(self, key: str) -> tuple[Mount, ...]:
        """How an active snapshot or a view is mounted, as mount(8) would be told."""
        return self._active(key).mounts

    def mount(self, key: str, target: str) -> None:
        """Mount it; ``remove`` and ``commit`` take it away again."""
        self._active(key).mount(target)

    def commit(self, name: str, key: str) -> None:
        """Make the changes of an active snapshot a layer upon its parent, and let go of the key. Nothing but the
        name keeps it from being collected: hold ``chain:NAME`` by a lease or an image."""
        chain = Digest.parse(name)
        rootfs = self._active(key)
        if rootfs.driver in VIEWS:
            raise StoreError("commit", key, "is a view: nothing can have changed in it")
        if self.content.layers.form(chain):
            raise StoreError("commit", name, "exists already")
        rootfs.unmount()
        DRIVERS[rootfs.driver].seal(rootfs.directory)
        size = bytes_of(rootfs.changes)
        layer = NewLayer(self.content.layers, rootfs.changes, Extracted(0, size, (), ()), chain, FILES)
        with self.content.metadata.transaction() as change:
            layer.stack(chain, [])
            change.add_snapshot(name, rootfs.chain, "", size)
        rootfs.remove()
        self.content.sync_layers([chain])

    def remove(self, name: str) -> None:
        """Remove a snapshot of any kind; a committed one only when nothing stands on it."""
        rootfs = find(self.content, name)
        if rootfs is not None:
            rootfs.remove()
            return
        self._committed(name)
        with self.content.metadata.transaction() as change:
            above = change.execute(
                "SELECT chain FROM snapshot WHERE parent = ? UNION SELECT id FROM rootfs WHERE chain = ?", name, name
            ).fetchone()
            if above is not None:
                raise StoreError("remove", name, f"{above[0]} stands on it")
            change.execute("DELETE FROM snapshot WHERE chain = ?", name)
            change.execute("DELETE FROM edge WHERE parent = ?", chain_key(name))
            doomed = self.content.layers.discard(Digest.parse(name))
        remove_tree(doomed)

    def stat(self, name: str) -> Info:
        """What is known of a snapshot."""
        for info in self._rows("WHERE name = ?", name):
            return info
        raise StoreError("snapshot", name, "does not exist")

    def walk(self) -> Iterator[Info]:
        """All snapshots, the oldest first."""
        yield from self._rows("ORDER BY created, name")

    def usage(self, name: str) -> Usage:
        """What a snapshot takes by itself, without its parents."""
        rootfs = find(self.content, name)
        if rootfs is not None:
            return usage_of(rootfs.changes) if rootfs.driver not in VIEWS else Usage(0, 0)
        self._committed(name)
        return usage_of(self.content.layers.place(Digest.parse(name)))

    def _rows(self, condition: str, *values: str) -> Iterator[Info]:
        query = f"""SELECT * FROM (
            SELECT chain AS name, parent, created, 'committed' AS driver FROM snapshot
            UNION ALL SELECT id, chain, created, driver FROM rootfs) {condition}"""
        for name, parent, created, driver in self.content.metadata.rows(query, *values):
            kind = COMMITTED if driver == COMMITTED else VIEW if driver in VIEWS else ACTIVE
            yield Info(kind, str(name), str(parent), float(created))

    def _active(self, key: str) -> Rootfs:
        rootfs = find(self.content, key)
        if rootfs is None:
            raise StoreError("snapshot", key, "is not active")
        return rootfs

    def _committed(self, name: str) -> None:
        if self.content.metadata.snapshot_size(name) is None:
            raise StoreError("snapshot", name, "is not committed")
