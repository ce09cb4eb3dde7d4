"""Blobs from a registry into the store: verified as they come, taken up where they broke off.

Rule: bytes go from the socket into one buffer, and from there to whoever unpacks the layer
meanwhile, into the hash and into the file.
"""

from __future__ import annotations

import threading
from time import monotonic

from rung.image.errors import RegistryError
from rung.image.progress import DOWNLOADED, DOWNLOADING, WAITING, Event, silent
from rung.image.registry.blob import RemoteBlob
from rung.image.registry.pace import SLICE_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.progress import Progress
    from rung.image.registry.client import Registry
    from rung.image.store.blobs import Blobs, Ingest, Tap
    from rung.spec.image import Descriptor

_BUFFER = 1 << 18


class Downloads:
    """The blobs of one repository: the ``Source`` of an image that is being pulled. Where their names need not be
    ``lasting`` one by one, the caller calls ``Blobs.sync_names`` in the end."""

    def __init__(
        self, registry: Registry, repository: str, blobs: Blobs, progress: Progress, *, lasting: bool = True
    ) -> None:
        self.registry = registry
        self.repository = repository
        self.blobs = blobs
        self.progress = progress
        self.lasting = lasting
        self.first_error: Exception | None = None
        self._stop = threading.Event()

    def fetch(self, blob: Descriptor, tap: Tap | None = None, *, quiet: bool = False) -> None:
        """Return when the blob is in the store; ``tap`` sees its bytes as they come."""
        progress = silent if quiet else self.progress
        try:
            with self.blobs.ingest(blob.digest, blob.size, tap, self._pause) as ingest:
                if not ingest.done:
                    progress(Event(blob.digest.short, WAITING))
                    self._fetch(blob, ingest, progress)
            progress(Event(blob.digest.short, DOWNLOADED))
        except Exception as error:
            if not self._stop.is_set():
                self.first_error = error
            self.cancel()
            raise

    def cancel(self) -> None:
        """Make every download end at its next bytes."""
        self._stop.set()

    def _fetch(self, blob: Descriptor, ingest: Ingest, progress: Progress) -> None:
        short, view = blob.digest.short, memoryview(bytearray(_BUFFER))
        with RemoteBlob(self.registry, self.repository, blob, self._pause, ingest.offset) as remote:
            while size := remote.readinto(view):
                self._pause(0)
                ingest.write(view[:size])
                progress(Event(short, DOWNLOADING, ingest.offset, blob.size))
        ingest.commit(lasting=self.lasting)

    def _pause(self, seconds: float) -> None:
        end = monotonic() + seconds
        while True:
            self.registry.limits.cancellation.check()
            left = end - monotonic()
            if self._stop.wait(max(0.0, min(left, SLICE_S))):
                raise RegistryError("download", self.repository, "was given up")
            if left <= SLICE_S:
                return
