"""One blob of a registry as a stream that goes on where a connection broke.

Rule: what is read is in order and without gaps; that it is the right blob, whoever takes the
bytes finds out by its digest. RFC 9110 section 14 (ranges); a server may ignore them.
"""

from __future__ import annotations

from rung.image.errors import RegistryError
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import Tries
from rung.image.registry.transport import TRANSIENT
from rung.image.registry.wire import ProtocolError
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.image.registry.client import Registry
    from rung.image.registry.transport import Response
    from rung.spec.image import Descriptor


class RemoteBlob:
    """Read it from ``offset`` on. A context; ``pause``: as ``Tries``'s."""

    def __init__(
        self, registry: Registry, repository: str, blob: Descriptor, pause: Callable[[float], object], offset: int = 0
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._blob = blob
        self._offset = self._kept = offset
        self._pace = Pace(registry.limits)
        self._response: Response | None = None
        self._places = _places(blob)
        self._elsewhere: RegistryError | None = None  # why it is not had from the place that was asked first
        self._ranges = True
        doing = ("download", f"{repository}@{blob.digest}")
        self._tries = Tries(registry.limits, registry.domain, pause, doing=doing)

    def readinto(self, view: memoryview) -> int:
        """The next bytes; 0 when all that were announced have come, and where there are more than those, one more."""
        while True:
            try:
                return self._read(view)
            except (RegistryError, *TRANSIENT) as error:
                self.close()
                if len(self._places) > 1 and isinstance(error, RegistryError):
                    self._places.pop(0)
                    self._elsewhere = self._elsewhere or error
                    continue
                if self._elsewhere and isinstance(error, RegistryError) and error.status == 404:
                    raise self._elsewhere from error
                if self._offset - self._kept >= self._registry.limits.worth_bytes:
                    self._tries.progressed()
                self._kept = self._offset
                self._tries.again(error)

    def _read(self, view: memoryview) -> int:
        if self._response is None:
            if self._blob.size and self._offset == self._blob.size:
                return 0
            self._pace = Pace(self._registry.limits)
            self._response = self._ask(view)
        self._pace.rest()
        size = self._response.readinto(view)
        self._offset += size
        if not size and self._offset < self._blob.size:
            raise ProtocolError(f"ends after {self._offset} of {self._blob.size} bytes")
        return size

    def _ask(self, view: memoryview) -> Response:
        ranged = self._offset if self._ranges else 0
        response = self._get({"Range": f"bytes={ranged}-"} if ranged else {})
        try:
            if response.status == 206:
                if not ranged or not response.header("Content-Range").startswith(f"bytes {ranged}-"):
                    self._ranges = False
                    raise ProtocolError("answers with another range than was asked for")
            else:
                self._skip(response, view)
        except BaseException:
            response.close()
            raise
        return response

    def _skip(self, response: Response, view: memoryview) -> None:
        """200: the server begins again; what is here already is passed over."""
        left = self._offset
        while left:
            size = response.readinto(view[:left])
            if not size:
                raise ProtocolError(f"ends after {self._offset - left} of {self._blob.size} bytes")
            left -= size

    def _get(self, headers: dict[str, str]) -> Response:
        place = self._places[0]
        if "://" in place:
            return self._registry.elsewhere(place, headers, self._pace)
        return self._registry.get(self._repository, place, headers, self._pace)

    def close(self) -> None:
        """Done with it."""
        if self._response is not None:
            self._response.close()
            self._response = None

    def __enter__(self) -> RemoteBlob:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _places(blob: Descriptor) -> list[str]:
    """Where to ask for a blob. Foreign layers are mostly not in the registry; where they are, it may have them."""
    own = f"blobs/{blob.digest}"
    return [*blob.urls, own] if media.is_foreign(blob.media_type) else [own, *blob.urls]
