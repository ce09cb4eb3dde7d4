"""A new volume begins with what the image has at its place, as with Docker."""

from __future__ import annotations

import os

from rung.engine.files.root import below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.engine.document.mounts import Mounted


def fill(rootfs: str, mounted: Iterable[Mounted]) -> None:
    """Every volume among them that is empty."""
    for one in mounted:
        if one.kind == "volume" and "nocopy" not in one.mode and not os.listdir(one.source):
            _fill(rootfs, one)


def _fill(rootfs: str, one: Mounted) -> None:
    from tempfile import TemporaryFile

    from rung.engine.files.pack import pack
    from rung.engine.files.unpack import Unpacker

    with below(rootfs, one.destination) as source:
        if source is None or not source.is_directory:
            return
        with TemporaryFile(dir=os.path.dirname(one.source)) as file:
            pack(source, "", file)
            file.seek(0)
            Unpacker(one.source, "/").take(file)
