"""Which snapshotter a store uses: what somebody has said, else what the host can do.

In this order: the caller (``--snapshotter``), ``RUNG_SNAPSHOTTER``, the store's own setting (the file
``snapshotter`` below ``snapshots/``), else ``overlay`` where the store's file system can carry one
and ``native`` where not. What is asked for by name and not possible is an error, not something else.
"""

from __future__ import annotations

import os

from rung.image.errors import StoreError
from rung.image.snapshot.layers import EROFS, FILES
from rung.image.store import owner
from rung.image.store.blobs import replace_file

NAMES = ("overlay", "erofs", "native")


class Choice:
    """The snapshotter of the store whose snapshots are below ``directory``."""

    def __init__(self, directory: str, wanted: str = "") -> None:
        self.directory = directory
        self.wanted = wanted

    @property
    def named(self) -> str:
        """The one that was asked for; empty where nobody has."""
        name = self.wanted or os.environ.get("RUNG_SNAPSHOTTER", "") or self._setting()
        if name and name not in NAMES:
            raise StoreError("snapshotter", f'"{name:.40}"', "is not known", f"choose one of {', '.join(NAMES)}")
        return name

    @property
    def view(self) -> str:
        """The driver for what is only looked at."""
        name = self.named
        if not name:
            from rung.image.snapshot.driver import choose

            name = choose(self.directory).name
        return "native-view" if name == "native" else "overlay-view"

    def layer_form(self) -> str:
        """The form in which layers are to be brought in."""
        if self.named != "erofs":
            return FILES
        if not self._has_worked():
            from rung.image.snapshot.erofs import why_not

            reason = why_not(self.directory)
            if reason:
                hint = "it needs Linux 6.12 and a store on ext4, XFS or btrfs; overlay works without"
                raise StoreError("snapshotter", "erofs", f"cannot work in {self.directory}: {reason}", hint)
            replace_file(self._proof, owner.boot_id().encode())
        return EROFS

    @property
    def _proof(self) -> str:
        return os.path.join(self.directory, "erofs-works")

    def _has_worked(self) -> bool:
        """Whether EROFS was tried here since the machine was started."""
        try:
            with open(self._proof) as file:
                return file.read(64) == owner.boot_id()
        except FileNotFoundError:
            return False

    def set(self, name: str) -> None:
        """Make it the store's own setting; empty takes the setting away."""
        self.wanted, before = name, self.wanted
        try:
            self.layer_form()
            replace_file(self._file, f"{name}\n".encode())
        except BaseException:
            self.wanted = before
            raise

    @property
    def _file(self) -> str:
        return os.path.join(self.directory, "snapshotter")

    def _setting(self) -> str:
        try:
            with open(self._file) as file:
                return file.read(64).strip()
        except FileNotFoundError:
            return ""
