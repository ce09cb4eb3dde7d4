"""What a container has written, as an image's layer: overlayfs's upper directory, its whiteouts put into OCI's words.

image-spec, layer.md: a file that is gone is an empty ``.wh.NAME``, a directory that is all new has ``.wh..wh..opq``.
"""

from __future__ import annotations

import os
import stat
import tarfile

from rung.engine.files.pack import Packer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

#: What says so of a directory: the second, in an overlay of an ordinary user's.
_OPAQUE = {"trusted.overlay.opaque", "user.overlay.opaque"}


def pack_layer(upper: str, file: BinaryIO, hidden: frozenset[str]) -> None:
    """Write the layer of ``upper`` into ``file``. ``hidden``: places that mounts have made, with a slash before."""
    fd = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _LayerPacker(file, hidden) as packer:
            for name in sorted(os.listdir(fd)):
                packer.add(fd, name, name)
    finally:
        os.close(fd)


class _LayerPacker(Packer):
    """As ``Packer``, but for what overlayfs means by some things."""

    def __init__(self, file: BinaryIO, hidden: frozenset[str]) -> None:
        super().__init__(file, None)
        self._hidden = hidden

    def add(self, parent_fd: int, entry: str, name: str) -> None:
        if f"/{name}" in self._hidden:
            return
        status = os.stat(entry, dir_fd=parent_fd, follow_symlinks=False)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
            above, _, last = name.rpartition("/")
            self._mark(f"{above}/.wh.{last}" if above else f".wh.{last}")
            return
        super().add(parent_fd, entry, name)

    def _add_below(self, parent_fd: int, entry: str, name: str) -> None:
        path = f"/proc/self/fd/{parent_fd}/{entry}"
        if _OPAQUE & set(os.listxattr(path, follow_symlinks=False)):
            self._mark(f"{name}/.wh..wh..opq")
        super()._add_below(parent_fd, entry, name)

    def _mark(self, name: str) -> None:
        self._tar.addfile(tarfile.TarInfo(name))
