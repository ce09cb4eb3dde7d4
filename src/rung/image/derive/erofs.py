"""A layer's files as an EROFS image, by erofs-utils' mkfs.erofs: what containerd's EROFS differ makes of an archive.

Rule: the files are taken as the store has unpacked them, so that directories which the archive only implies are
what they are in the image; whiteouts are overlayfs's, as those are which the snapshotter mounts. The same layer
gives the same bytes: no time, and the chain ID for an identity.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from contextlib import contextmanager

from rung.image.errors import ImageError
from rung.image.snapshot.tree import remove_tree
from rung.kernel.userns import is_initial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from rung.image.content import Content
    from rung.spec.image import Digest

_OPTIONS = ("--quiet", "-T0", "--mkfs-time")


@contextmanager
def image_of(content: Content, chain: Digest) -> Iterator[BinaryIO]:
    """The image of the top layer of a chain, open for reading until the context ends."""
    if not is_initial():
        raise ImageError("convert", "erofs", "needs root: overlays of users mark what is hidden in another way")
    place = content.layers.new()
    try:
        path = os.path.join(place, "image")
        try:
            _make(path, content.layers.show(chain), str(uuid.UUID(hex=chain.hex[:32])))
        finally:
            content.hide_layers(str(chain))
        with open(path, "rb") as file:
            yield file
    finally:
        remove_tree(place)


def _make(path: str, directory: str, identity: str) -> None:
    try:
        made = subprocess.run(
            ["mkfs.erofs", *_OPTIONS, "-U", identity, path, directory], capture_output=True, check=False
        )
    except FileNotFoundError:
        raise ImageError("convert", "mkfs.erofs", "is not installed", "apt-get install erofs-utils") from None
    if made.returncode:
        said = made.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise ImageError("convert", "mkfs.erofs", said[-1] if said else f"ended with status {made.returncode}")
