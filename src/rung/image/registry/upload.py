"""A blob into a registry: found there, mounted from another repository, or sent.

OCI Distribution 1.1, "Pushing blobs" and "Mounting a blob from another repository". Rule: a
broken connection costs what was on its way: the registry is asked how far it got.
"""

from __future__ import annotations

from urllib.parse import quote, urljoin

from rung.image.errors import RegistryError
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import Tries
from rung.image.registry.transport import TRANSIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from rung.image.registry.client import Registry
    from rung.image.registry.transport import Body, Response
    from rung.spec.image import Descriptor

    class Stream(Protocol):
        """Bytes of a blob, in order."""

        def readinto(self, view: memoryview) -> int:
            """The next ones; 0 at the end."""
            ...

        def close(self) -> None:
            """Done with it."""
            ...

    Open = Callable[[int], Stream]  # from which byte on

_BUFFER = 1 << 18
_TOO_LARGE = 413
#: The registry has another part of the upload than we thought, or none any more.
_OUT_OF_STEP = (404, 416)


class Piece:
    """A part of a blob on its way: the body of a request."""

    def __init__(self, open: Open, offset: int, size: int, sent: Callable[[int], None]) -> None:
        self.size = size
        self._open, self._offset, self._sent = open, offset, sent

    def chunks(self) -> Iterator[bytes | memoryview]:
        """From the beginning, each time."""
        view = memoryview(bytearray(min(_BUFFER, self.size)))
        stream = self._open(self._offset)
        try:
            left = self.size
            while left:
                size = stream.readinto(view[:left])
                if not size:
                    raise RegistryError("push", "", f"the blob ends {left} bytes before its announced end")
                yield view[:size]
                left -= size
                self._sent(self._offset + self.size - left)
        finally:
            stream.close()


class Upload:
    """One blob on its way into a repository. ``sent`` hears how many bytes have gone."""

    def __init__(
        self,
        registry: Registry,
        repository: str,
        blob: Descriptor,
        open: Open,
        sent: Callable[[int], None],
        pause: Callable[[float], object],
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._blob = blob
        self._open = open
        self._sent = sent
        self._piece_bytes = registry.limits.piece_bytes
        self._location = ""
        self._offset = 0
        doing = ("push", f"{registry.domain}/{repository}@{blob.digest}")
        self._tries = Tries(registry.limits, registry.domain, pause, doing=doing)

    def run(self, mount_from: str = "") -> bool:
        """Bring it there; whether it was mounted from the other repository, so that nothing had to be sent."""
        if self._begin(mount_from):
            return True
        while True:
            before = self._offset
            try:
                self._send()
                return False
            except (RegistryError, *TRANSIENT) as error:
                if self._offset - before >= self._registry.limits.worth_bytes:
                    self._tries.progressed()
                self._recover(error)

    def _begin(self, mount_from: str = "") -> bool:
        path = f"{self._repository}/blobs/uploads/"
        if mount_from:
            path += f"?mount={self._blob.digest}&from={quote(mount_from)}"
        with self._registry.send("POST", self._repository, path, {}, (201, 202), mount_from=mount_from) as response:
            if response.status == 201:
                return True
            self._moved(response)
            least = response.header("OCI-Chunk-Min-Length")
            if self._piece_bytes and least.isascii() and least.isdigit():
                self._piece_bytes = max(self._piece_bytes, int(least))
        self._offset = 0
        return False

    def _moved(self, response: Response) -> None:
        """Each answer says where the next request goes ("the client MUST use this location")."""
        location = response.header("Location")
        if not location:
            raise RegistryError("push", self._registry.domain, "does not say where to upload to")
        self._location = self._registry.origin.checked(urljoin(response.url, location), "wants the upload at")

    def _send(self) -> None:
        while self._offset < self._blob.size:
            left = self._blob.size - self._offset
            size = min(left, self._piece_bytes) if self._piece_bytes else left
            headers = {"Content-Type": "application/octet-stream"}
            if size != self._blob.size:
                headers["Content-Range"] = f"{self._offset}-{self._offset + size - 1}"
            piece = Piece(self._open, self._offset, size, self._sent)
            with self._request("PATCH", self._location, headers, 202, piece) as response:
                self._moved(response)
            self._offset += size
        joint = "&" if "?" in self._location else "?"
        self._request("PUT", f"{self._location}{joint}digest={quote(str(self._blob.digest), safe='')}", {}, 201).close()

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], wanted: int, body: Body | None = None
    ) -> Response:
        pace = Pace(self._registry.limits)
        # 204 to a PATCH and 200 to a PUT are what older registries say.
        also = {202: (202, 204), 201: (201, 200, 204)}[wanted]
        return self._registry.send(method, self._repository, path, headers, also, body=body, pace=pace)

    def _recover(self, error: Exception) -> None:
        """Ready for another try, or the error."""
        status = error.status if isinstance(error, RegistryError) else 0
        if status == _TOO_LARGE and not self._piece_bytes:
            self._piece_bytes = self._registry.limits.smaller_piece_bytes
            self._begin()
            return
        if isinstance(error, RegistryError) and status in _OUT_OF_STEP:
            error.status = 503
        try:
            self._tries.again(error)
        except BaseException:
            self._give_up()
            raise
        self._ask_how_far()

    def _ask_how_far(self) -> None:
        """"Resuming an upload": the registry says in ``Range`` what it has, or knows nothing any more."""
        try:
            with self._registry.send("GET", self._repository, self._location, {}, (204, 202, 200)) as response:
                last = response.header("Range").removeprefix("bytes=").rpartition("-")[2]
                self._offset = int(last) + 1 if last.isascii() and last.isdigit() and last != "0" else 0
                if response.header("Location"):
                    self._moved(response)
        except RegistryError as error:
            if error.status not in (400, 404, 405):
                raise
            self._begin()
        if self._offset > self._blob.size:
            self._begin()

    def _give_up(self) -> None:
        """Let the registry forget what it has got; it would do so by itself some day."""
        pace = Pace(self._registry.limits)
        try:
            self._registry.send("DELETE", self._repository, self._location, {}, (204,), pace=pace).close()
        except (RegistryError, *TRANSIENT):
            pass
