"""A container's root file system: made from an image, mounted, unmounted, removed.

Rule: each step may be repeated and may be done by another process than the one before;
what is where stands in the database. Removing works whatever state it is in. No step waits for the disk: a
power cut takes what is mounted anyway, and a row without a directory, or the reverse, is one of those states.
"""

from __future__ import annotations

import os
import re

from rung.image.errors import StoreError
from rung.image.snapshot.driver import DRIVERS, unmount
from rung.image.snapshot.tree import remove_tree
from rung.image.store import owner
from rung.image.store.metadata import RootfsRow
from rung.image.store.origin import write_origin
from rung.kernel.errors import KernelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.snapshot.driver import Mount

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}")


class Rootfs:
    """The root file system of one container."""

    def __init__(self, content: Content, row: RootfsRow) -> None:
        self.content = content
        self.id = row.id
        self._row = row

    @property
    def directory(self) -> str:
        """Where its own files are kept."""
        return os.path.join(self.content.rootfs_directory, self.id)

    @property
    def driver(self) -> str:
        """``overlay``, ``erofs`` (an overlay of layers that are mounted from their archives) or ``native``."""
        return self._row.driver

    @property
    def layers(self) -> list[str]:
        """The directories of the image's layers, topmost first."""
        return self.content.lower_directories(self._row.chain)

    @property
    def changes(self) -> str:
        """The directory that the container's writes are in (with ``native``: all files)."""
        return DRIVERS[self.driver].changes(self.directory)

    @property
    def chain(self) -> str:
        """The chain ID of the topmost layer; empty where there is none."""
        return self._row.chain

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What ``mount`` does, in mount(8)'s words."""
        return DRIVERS[self.driver].mounts(self.directory, self.layers)

    @property
    def target(self) -> str:
        """Where it is mounted; empty where it is not."""
        return self._row.target

    def mount(self, target: str, owners: int = -1) -> None:
        """Show it at ``target``, a directory that is made where missing. ``owners``: a descriptor of a user
        namespace, whose root shall have what is root's here."""
        target = os.path.abspath(target)
        os.makedirs(target, exist_ok=True)
        # Written down first: after a kill in between, removing finds what may be there.
        self._set_target(target)
        try:
            DRIVERS[self.driver].mount(self.directory, self.layers, target, owners)
        except KernelError as error:
            self._set_target("")
            raise StoreError("mount", target, str(error)) from error

    def unmount(self) -> None:
        """Take it away from where it is mounted; nothing to do where it is not."""
        if self._row.target:
            unmount(self._row.target)
            self._set_target("")
            self.content.hide_layers(self._row.chain)

    def remove(self) -> None:
        """Unmount it and remove what the container wrote."""
        self.unmount()
        gone = os.path.join(self.content.rootfs_directory, _temporary())
        with self.content.metadata.transaction(durable=False) as change:
            change.execute("DELETE FROM rootfs WHERE id = ?", self.id)
            try:
                os.rename(self.directory, gone)
            except FileNotFoundError:
                return
        remove_tree(gone)
        self.content.hide_layers(self._row.chain)

    def _set_target(self, target: str) -> None:
        with self.content.metadata.transaction(durable=False) as change:
            change.execute("UPDATE rootfs SET target = ? WHERE id = ?", target, self.id)
        self._row = self._row.replace(target=target)


def prepare(content: Content, id: str, chain: str, manifest: str, driver: str = "") -> Rootfs:
    """Make a root file system for a container, or find the one that was made for it.

    ``chain`` is empty for one without layers (``FROM scratch``)."""
    if not _ID.fullmatch(id):
        raise StoreError("root file system", f'"{id:.140}"', "is not a container's ID")
    row = content.metadata.rootfs(id)
    if row is not None:
        if row.manifest != manifest:
            raise StoreError("root file system", id, "exists already, of another image", "choose another ID")
        return Rootfs(content, row)
    wanted = driver or content.snapshots.named
    chosen = DRIVERS[wanted] if wanted else content.driver()
    row = RootfsRow(id, chosen.name, chain, manifest, "")
    rootfs = Rootfs(content, row)
    new = os.path.join(content.rootfs_directory, _temporary())
    os.mkdir(new, 0o711)
    try:
        chosen.prepare(new, rootfs.layers)
        write_origin(new, row)
        with content.metadata.transaction(durable=False) as change:
            if change.execute("SELECT 1 FROM rootfs WHERE id = ?", id).fetchone():
                raise StoreError("root file system", id, "is being made by somebody else")
            if os.path.lexists(rootfs.directory):  # of one that was killed before its row was written
                os.rename(rootfs.directory, os.path.join(content.rootfs_directory, _temporary("dead")))
            change.add_rootfs(row)
            os.rename(new, rootfs.directory)
    except BaseException:
        remove_tree(new)
        raise
    return rootfs


def _temporary(who: str = "") -> str:
    """A name that collection knows; anybody's that is not alive is removed by it."""
    return f".new-{who or owner.me()}-{os.urandom(4).hex()}"


def find(content: Content, id: str) -> Rootfs | None:
    """The root file system of that ID, if there is one."""
    row = content.metadata.rootfs(id)
    return Rootfs(content, row) if row else None
