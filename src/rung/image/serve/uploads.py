"""Blobs on their way in: sessions that a client opens, fills in order, and closes with a digest.

Rule: a session is a file in ``uploads/``, named after its id, its repository and its
algorithm; there is no other record of it. So a session survives the server, and a client
that comes back goes on where the file ends. One request at a time works on a session
(``flock``, which holds between processes too).
OCI Distribution 1.1, "Pushing blobs".
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
import uuid

from rung.image.errors import StoreError
from rung.image.serve.answers import Refusal
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import _Hash

    from rung.image.store.blobs import Blobs

_CHUNK = 1 << 20


class Uploads:
    """The sessions of one store. ``hashes`` keeps what was hashed, so that a session whose requests
    come to one process is not read again with every chunk."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.directory = os.path.join(os.path.dirname(blobs.directory), "uploads")
        self.hashes: dict[str, tuple[int, _Hash]] = {}
        os.makedirs(self.directory, mode=0o700, exist_ok=True)

    def begin(self, repository: str, algorithm: str) -> Upload:
        """A new session."""
        while True:
            try:
                return Upload(self, f"{uuid.uuid4()}.{_mark(repository)}.{algorithm}", os.O_CREAT | os.O_EXCL)
            except Refusal:
                continue  # a collection without grace was quicker than the lock

    def open(self, repository: str, id: str) -> Upload:
        """A session of this repository. Raises ``Refusal`` where there is none."""
        for algorithm in ("sha256", "sha512"):
            try:
                return Upload(self, f"{id}.{_mark(repository)}.{algorithm}", 0)
            except FileNotFoundError:
                continue
        raise Refusal("BLOB_UPLOAD_UNKNOWN", "there is no such upload")

    def forget_abandoned(self, older_than_s: float) -> int:
        """Remove sessions, and whatever else is here, that nobody has worked on for so long: their bytes."""
        freed = 0
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            try:
                if time.time() - os.stat(path).st_mtime < older_than_s:
                    continue
                with Upload(self, name, 0) as upload:
                    freed += upload.offset
                    upload.discard()
            except (FileNotFoundError, Refusal):
                pass  # finished meanwhile, or at work
        return freed


class Upload:
    """One session, held by one request. A context: leaving it lets go of it and keeps what has come."""

    def __init__(self, uploads: Uploads, name: str, flags: int) -> None:
        self._uploads = uploads
        self.name = name
        self.id = name.partition(".")[0]
        self.algorithm = name.rpartition(".")[2]
        self._path = os.path.join(uploads.directory, name)
        self._fd = _open(self._path, flags)
        try:
            self._lock()
            self.offset = os.fstat(self._fd).st_size
        except BaseException:
            os.close(self._fd)
            raise
        self._hash: _Hash | None = None

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self._fd).st_nlink == 0:
                raise Refusal("BLOB_UPLOAD_UNKNOWN", "the upload has just ended")
        except BlockingIOError:
            message = "another request works on this upload"
            raise Refusal("BLOB_UPLOAD_INVALID", message, status=409) from None

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        if self._hash is not None and self._path:
            self._uploads.hashes[self.name] = (self.offset, self._hash)
        fcntl.flock(self._fd, fcntl.LOCK_UN)  # said: a child forked meanwhile has the same open file
        os.close(self._fd)

    def append(self, chunks: Iterator[bytes]) -> None:
        """Write what comes behind what is there. What was written stays when the client hangs up."""
        known = self._hashed()
        os.lseek(self._fd, self.offset, os.SEEK_SET)
        for chunk in chunks:
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError as error:
                os.ftruncate(self._fd, self.offset)
                raise StoreError("write", self._path, error.strerror or "") from error
            known.update(chunk)
            self.offset += len(chunk)

    def finish(self, digest: Digest) -> None:
        """Verify the whole and bring it to the disk; ``move`` may follow. Raises ``Refusal``, after
        which the session is gone."""
        found = self._hashed() if digest.algorithm == self.algorithm else self._read_all(digest.hasher())
        if found.hexdigest() != digest.hex:
            self.discard()
            message = f"what was uploaded has the digest {digest.algorithm}:{found.hexdigest()}"
            raise Refusal("DIGEST_INVALID", message, {"digest": str(digest)})
        os.fsync(self._fd)

    def move(self, digest: Digest) -> None:
        """Give the blob its name; within the transaction that links it."""
        self._uploads.blobs.adopt(self._path, self._fd, digest)
        self._forget()

    def discard(self) -> None:
        """End the session without a blob; nothing to do where it has become one."""
        if self._path:
            os.unlink(self._path)
            self._forget()

    def _forget(self) -> None:
        self._uploads.hashes.pop(self.name, None)
        self._path = ""

    def _hashed(self) -> _Hash:
        """The hash of all that is there."""
        if self._hash is None:
            offset, known = self._uploads.hashes.pop(self.name, (-1, None))
            fits = known is not None and offset == self.offset
            self._hash = known if fits else self._read_all(hashlib.new(self.algorithm))
        assert self._hash is not None
        return self._hash

    def _read_all(self, into: _Hash) -> _Hash:
        at = 0
        while chunk := os.pread(self._fd, _CHUNK, at):
            into.update(chunk)
            at += len(chunk)
        return into


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError("write", path, error.strerror or "") from error


def _mark(repository: str) -> str:
    """A repository's name as part of a file's: it may be longer than a file's name, and has slashes."""
    return hashlib.sha256(repository.encode()).hexdigest()[:32]
