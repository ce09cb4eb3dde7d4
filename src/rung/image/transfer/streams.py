"""Blobs' bytes from files, and verified on their way."""

from __future__ import annotations

from rung.image.errors import ContentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.image.registry.upload import Open, Stream
    from rung.image.store.blobs import Blobs
    from rung.spec.image import Descriptor

_BUFFER = 1 << 18


class FileStream:
    """A part of a file: ``size`` bytes from its position on, or all that is left."""

    def __init__(self, file: Any, size: int | None = None) -> None:
        self._file = file
        self._left = size

    def readinto(self, view: memoryview) -> int:
        """The next bytes; 0 at the end."""
        size = int(self._file.readinto(view if self._left is None else view[: self._left]))
        if self._left is not None:
            self._left -= size
        return size

    def close(self) -> None:
        """Done with it."""
        self._file.close()


def copy_verified(
    blob: Descriptor, open: Open, write: Callable[[memoryview], object], sent: Callable[[int], None]
) -> None:
    """A blob's bytes into ``write``; raises ``ContentError`` at the end (or as soon as there are too
    many) where they are not what the descriptor says."""
    hasher, done = blob.digest.hasher(), 0
    view = memoryview(bytearray(_BUFFER))
    stream = open(0)
    try:
        while size := stream.readinto(view):
            done += size
            if done > blob.size:
                raise ContentError("blob", str(blob.digest), f"is longer than the {blob.size} bytes announced")
            hasher.update(view[:size])
            write(view[:size])
            sent(done)
    finally:
        stream.close()
    if done != blob.size:
        raise ContentError("blob", str(blob.digest), f"has {done} bytes where {blob.size} were announced")
    if hasher.hexdigest() != blob.digest.hex:
        raise ContentError("blob", str(blob.digest), f"has the digest {blob.digest.algorithm}:{hasher.hexdigest()}")


def ingest(blobs: Blobs, blob: Descriptor, open: Open, sent: Callable[[int], None]) -> None:
    """A blob into a layout's or the store's blobs; a part that is there is gone on with."""
    with blobs.ingest(blob.digest, blob.size) as into:
        if into.done:
            return
        view = memoryview(bytearray(_BUFFER))
        stream: Stream = open(into.offset)
        try:
            while size := stream.readinto(view):
                into.write(view[:size])
                sent(into.offset)
        finally:
            stream.close()
        into.commit()
