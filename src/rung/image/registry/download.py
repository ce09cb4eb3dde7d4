"""Blobs from a registry into the store: verified as they come, taken up where they broke off."""

from __future__ import annotations

import threading
from http.client import HTTPException

from rung.image.errors import RegistryError
from rung.image.progress import DOWNLOADED, DOWNLOADING, WAITING, Event, silent
from rung.image.registry.client import unreachable
from rung.image.registry.http import TRANSIENT, Pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.progress import Progress
    from rung.image.registry.client import Registry
    from rung.image.store.blobs import Blobs, Ingest, Tap
    from rung.spec.image import Descriptor

_CHUNK = 1 << 18
_TRY_AGAIN = (408, 429, 500, 502, 503, 504)


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
        limits = self.registry.limits
        tries = limits.attempts
        while True:
            before = ingest.offset
            try:
                self._attempt(blob, ingest, progress)
                break
            except TRANSIENT as error:
                problem: Exception = unreachable(self.registry.domain, error)
            except RegistryError as error:
                if error.status not in _TRY_AGAIN:
                    raise
                problem = error
            tries = limits.attempts if ingest.offset - before >= limits.worth_bytes else tries - 1
            if tries <= 0:
                raise RegistryError(
                    "download", f"{self.repository}@{blob.digest}", _reason(problem), "try again later"
                ) from problem
            self._pause(limits.backoff_s * 2 ** (limits.attempts - tries))
        ingest.commit()

    def _attempt(self, blob: Descriptor, ingest: Ingest, progress: Progress) -> None:
        if ingest.offset == blob.size and blob.size:
            return
        headers = {"Range": f"bytes={ingest.offset}-"} if ingest.offset else {}
        pace = Pace(self.registry.limits)
        with self.registry.get(self.repository, f"blobs/{blob.digest}", headers, pace) as response:
            if response.status == 206:
                if not response.header("Content-Range").startswith(f"bytes {ingest.offset}-"):
                    ingest.restart()
                    raise HTTPException("answers with another range than was asked for")
            elif ingest.offset:
                ingest.restart()  # 200: it knows no ranges and begins again
            while chunk := response.read(_CHUNK):
                self._check()
                ingest.write(chunk)
                progress(Event(blob.digest.short, DOWNLOADING, ingest.offset, blob.size))
        if ingest.offset < blob.size:
            raise HTTPException(f"ends after {ingest.offset} of {blob.size} bytes")

    def _check(self) -> None:
        if self._stop.is_set():
            raise RegistryError("download", self.repository, "was given up")

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)
        self._check()


def _reason(problem: Exception) -> str:
    return str(problem.args[2]) if isinstance(problem, RegistryError) else str(problem)
