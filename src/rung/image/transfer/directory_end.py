"""skopeo's ``dir:`` as an end of a copy: one image as plain files, to look at.

containers/image, directory transport 1.1: ``manifest.json`` is the root, ``HEX.manifest.json``
the manifests below it, ``HEX`` the blobs, ``version`` says so.
"""

from __future__ import annotations

import os

from rung.image.errors import ArchiveError, StoreError
from rung.image.progress import COPIED, COPYING
from rung.image.store.blobs import DOCUMENT_LIMIT, replace_file
from rung.image.transfer.streams import FileStream, copy_verified
from rung.spec.image import Descriptor, Digest, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.image.registry.upload import Open, Stream

VERSION = b"Directory Transport Version: 1.1\n"


class DirectorySource:
    """The image in a directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def root(self) -> tuple[Descriptor, bytes]:
        """``manifest.json``: there is no digest that it must have."""
        data = self._document("manifest.json")
        parsed = parse_manifest(data, "", os.path.join(self.directory, "manifest.json"))
        return Descriptor(parsed.media_type, Digest.of(data), len(data)), data

    def _document(self, name: str) -> bytes:
        path = os.path.join(self.directory, name)
        try:
            with open(path, "rb") as file:
                data = file.read(DOCUMENT_LIMIT + 1)
        except OSError as error:
            raise ArchiveError("read", path, error.strerror or "") from error
        if len(data) > DOCUMENT_LIMIT:
            raise ArchiveError("read", path, f"is larger than a document may be ({DOCUMENT_LIMIT} bytes)")
        return data

    def manifest(self, at: Descriptor) -> bytes | None:
        """None where there is no such file."""
        name = f"{at.digest.hex}.manifest.json"
        return self._document(name) if os.path.exists(os.path.join(self.directory, name)) else None

    def open(self, blob: Descriptor, offset: int) -> Stream:
        """Its file."""
        path = os.path.join(self.directory, blob.digest.hex)
        try:
            file = open(path, "rb")
        except OSError as error:
            raise ArchiveError("read", path, error.strerror or "") from error
        file.seek(offset)
        return FileStream(file)

    def origins(self, blob: Descriptor) -> Sequence[str]:
        """None that we know of."""
        return ()

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """The format has none."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


class DirectoryDestination:
    """A directory; made where there is none. What is not of this image stays in it."""

    at_once = 2
    moving = COPYING

    def __init__(self, directory: str) -> None:
        self.directory = directory
        version = os.path.join(directory, "version")
        self._is_new = not os.path.exists(directory)
        try:
            os.makedirs(directory, exist_ok=True)
            if not os.path.exists(version) and os.listdir(directory):
                raise StoreError("copy", directory, "is not empty, and no directory of an image")
            replace_file(version, VERSION)
        except OSError as error:
            raise StoreError("copy", directory, error.strerror or "") from error

    def has(self, blob: Descriptor) -> bool:
        """A file of that name may have any bytes: it is written again."""
        return False

    def put(self, blob: Descriptor, open_: Open, origins: Sequence[str], sent: Callable[[int], None]) -> str:
        """Into its file."""
        final = os.path.join(self.directory, blob.digest.hex)
        temporary = f"{final}.{os.getpid()}.part"
        try:
            with open(temporary, "xb") as file:
                copy_verified(blob, open_, file.write, sent)
            os.rename(temporary, final)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
        return COPIED

    def put_manifest(self, at: Descriptor, data: bytes) -> None:
        """Beside the root."""
        replace_file(os.path.join(self.directory, f"{at.digest.hex}.manifest.json"), data)

    def name(self, at: Descriptor, data: bytes) -> None:
        """As the root."""
        replace_file(os.path.join(self.directory, "manifest.json"), data)

    def close(self, *, failed: bool) -> None:
        """A directory that was made for this copy goes with it."""
        if failed and self._is_new:
            for entry in os.scandir(self.directory):
                os.unlink(entry.path)
            os.rmdir(self.directory)
