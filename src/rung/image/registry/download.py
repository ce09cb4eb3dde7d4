"""Blobs from a registry into the store: verified as they come, taken up where they broke off.

Rule: bytes go from the socket into one buffer, and from there to whoever unpacks the layer
meanwhile, into the hash and into the file.
"""

from __future__ import annotations

import threading

from rung.image.errors import RegistryError
from rung.image.progress import DOWNLOADED, DOWNLOADING, WAITING, Event, silent
from rung.image.registry.http1 import ProtocolError
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import Tries
from rung.image.registry.transport import TRANSIENT
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.progress import Progress
    from rung.image.registry.client import Registry
    from rung.image.registry.transport import Response
    from rung.image.store.blobs import Blobs, Ingest, Tap
    from rung.spec.image import Descriptor

_BUFFER = 1 << 18


class Downloads:
    """The blobs of one repository: the ``Source`` of an image that is being pulled."""

    def __init__(self, registry: Registry, repository: str, blobs: Blobs, progress: Progress) -> None:
        self.registry = registry
        self.repository = repository
        self.blobs = blobs
        self.progress = progress
        self.first_error: Exception | None = None
        self._stop = threading.Event()

    def fetch(self, blob: Descriptor, tap: Tap | None = None, *, quiet: bool = False) -> None:
        """Return when the blob is in the store; ``tap`` sees its bytes as they come."""
        progress = silent if quiet else self.progress
        try:
            with self.blobs.ingest(blob.digest, blob.size, tap) as ingest:
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
        places = _places(blob)
        limits = self.registry.limits
        doing = ("download", f"{self.repository}@{blob.digest}")
        tries = Tries(limits, self.registry.domain, self._pause, doing=doing)
        while ingest.offset < blob.size or not blob.size:
            before = ingest.offset
            try:
                self._attempt(places[0], blob, ingest, progress)
                break
            except (RegistryError, *TRANSIENT) as error:
                if len(places) > 1 and isinstance(error, RegistryError) and not self._stop.is_set():
                    places.pop(0)
                    continue
                if ingest.offset - before >= limits.worth_bytes:
                    tries.progressed()
                tries.again(error)
        ingest.commit()

    def _attempt(self, place: str, blob: Descriptor, ingest: Ingest, progress: Progress) -> None:
        headers = {"Range": f"bytes={ingest.offset}-"} if ingest.offset else {}
        pace = Pace(self.registry.limits)
        with self._get(place, headers, pace) as response:
            if response.status == 206:
                if not response.header("Content-Range").startswith(f"bytes {ingest.offset}-"):
                    ingest.restart()
                    raise ProtocolError("answers with another range than was asked for")
            elif ingest.offset:
                ingest.restart()  # 200: it knows no ranges and begins again
            short, view = blob.digest.short, memoryview(bytearray(_BUFFER))
            while size := response.readinto(view):
                if self._stop.is_set():
                    self._give_up()
                ingest.write(view[:size])
                progress(Event(short, DOWNLOADING, ingest.offset, blob.size))
                pace.rest()
        if ingest.offset < blob.size:
            raise ProtocolError(f"ends after {ingest.offset} of {blob.size} bytes")

    def _get(self, place: str, headers: dict[str, str], pace: Pace) -> Response:
        if "://" in place:
            return self.registry.elsewhere(place, headers, pace)
        return self.registry.get(self.repository, place, headers, pace)

    def _give_up(self) -> None:
        raise RegistryError("download", self.repository, "was given up")

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            self._give_up()


def _places(blob: Descriptor) -> list[str]:
    """Where to ask for a blob. Foreign layers are mostly not in the registry; where they are, it may have them."""
    own = f"blobs/{blob.digest}"
    is_foreign = media.is_foreign(blob.media_type)
    return [*blob.urls, own] if is_foreign else [own, *blob.urls]
