"""Blobs on disk: an OCI image layout's ``blobs/ALGORITHM/HEX``.

Rule: a file under ``blobs/`` is complete and is what its name says. Bytes arrive in
``ingest/``, are hashed as they arrive, counted, synced, and only then renamed. Two
processes that fetch the same blob take turns (``flock``); the second finds it done. A first one that
is slow or stalled keeps nobody: the second then fetches it by itself.
A process killed half way leaves its part, and the next one continues it.
OCI image specification, image-layout.md.
"""

from __future__ import annotations

import fcntl
import os
from time import monotonic, sleep

from rung.image.errors import ContentError, StoreError
from rung.image.store.stream import Stream
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import BinaryIO, Protocol

    class Tap(Protocol):
        """Who sees a blob's bytes while they arrive, from the first one on, before they are verified."""

        def write(self, data: bytes | memoryview) -> None:
            """The next bytes; the buffer is used again."""
            ...

        def restart(self) -> None:
            """What came is forgotten: the blob begins again."""
            ...

_CHUNK = 1 << 20
#: Who waits for another's download of the same blob goes on waiting while that brings so many bytes in so many seconds.
TURN_S, TURN_BYTES = 3.0, 3 << 20
_LOOK_S = 0.02
#: No document (manifest, index, config) is read into memory beyond this.
DOCUMENT_LIMIT = 8 << 20


class Blobs:
    """The blobs below one layout directory."""

    def __init__(self, layout: str) -> None:
        self.directory = os.path.join(layout, "blobs")
        self.ingest_directory = os.path.join(layout, "ingest")

    def make_directories(self) -> None:
        """Make what is missing of the directories."""
        for path in (os.path.join(self.directory, "sha256"), self.ingest_directory):
            os.makedirs(path, mode=0o700, exist_ok=True)

    def path(self, digest: Digest) -> str:
        """Where the blob is, or would be."""
        return os.path.join(self.directory, digest.algorithm, digest.hex)

    def size(self, digest: Digest) -> int | None:
        """The blob's size in bytes, or None where it is not there."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return None

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there."""
        return self.size(digest) is not None

    def open(self, digest: Digest) -> BinaryIO:
        """The blob for reading."""
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            hint = "pull the image again"
            raise ContentError("read blob", str(digest), "is not in the store", hint) from None

    def open_part(self, digest: Digest) -> BinaryIO:
        """What has come up to now of a blob that is being ingested; the whole blob where it is there."""
        try:
            return open(os.path.join(self.ingest_directory, _part_name(digest)), "rb")
        except FileNotFoundError:
            return self.open(digest)

    def read(self, digest: Digest, limit: int = DOCUMENT_LIMIT) -> bytes:
        """A document: the blob's bytes, verified against the digest."""
        with self.open(digest) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ContentError("read blob", str(digest), f"is larger than a document may be ({limit} bytes)")
        if not digest.matches(data):
            raise ContentError("read blob", str(digest), "has other bytes on disk", "pull the image again")
        return data

    def write(self, data: bytes, algorithm: str = "sha256", *, lasting: bool = True) -> Digest:
        """Store a document; ``lasting`` as ``adopt`` has it."""
        digest = Digest.of(data, algorithm)
        with self.ingest(digest, len(data)) as ingest:
            if not ingest.done:
                ingest.restart()
                ingest.write(data)
                ingest.commit(lasting=lasting)
        return digest

    def ingest(
        self,
        digest: Digest | None = None,
        size: int | None = None,
        tap: Tap | None = None,
        pause: Callable[[float], object] = sleep,
    ) -> Ingest:
        """Begin to store a blob; ``digest`` and ``size`` are verified where given. ``pause``: waits so many seconds
        while somebody else fetches the blob, or raises where the work is given up."""
        return Ingest(self, digest, size, tap, pause)

    def adopt(self, path: str, fd: int, digest: Digest, *, lasting: bool = True) -> None:
        """Give a file its name as a blob. The caller has verified it, synced it, and holds its lock; where the
        name need not be ``lasting`` yet, he calls ``sync_names`` before he writes down that it is there."""
        final = self.path(digest)
        directory = os.path.dirname(final)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.fchmod(fd, 0o444)
        os.rename(path, final)
        if lasting:
            _sync_directory(directory)

    def sync_names(self) -> None:
        """Wait until the names of all blobs that are there are on the disk."""
        for algorithm in os.listdir(self.directory):
            _sync_directory(os.path.join(self.directory, algorithm))

    def all(self) -> Iterator[Digest]:
        """Every blob that is there."""
        for name in self.names():
            yield Digest.parse(name, document="blob")

    def names(self) -> Iterator[str]:
        """``ALGORITHM:NAME`` of every file among the blobs, also of what is none."""
        for algorithm in sorted(os.listdir(self.directory)):
            for name in sorted(os.listdir(os.path.join(self.directory, algorithm))):
                yield f"{algorithm}:{name}"

    def remove(self, digest: Digest) -> int:
        """Remove a blob; its size, 0 where it was not there."""
        size = self.size(digest) or 0
        try:
            os.unlink(self.path(digest))
        except FileNotFoundError:
            return 0
        return size


class Ingest:
    """A blob on its way in. A context: leaving it uncommitted through an error removes the part."""

    def __init__(
        self,
        blobs: Blobs,
        digest: Digest | None,
        size: int | None,
        tap: Tap | None = None,
        pause: Callable[[float], object] = sleep,
    ) -> None:
        self.blobs = blobs
        self._pause = pause
        self.digest = digest
        self.size = size
        self._tap = tap
        self.offset = 0
        self.done = False
        self._fd = -1
        self._path = ""

    def __enter__(self) -> Ingest:
        self._open()
        return self

    def _open(self) -> None:
        name = _part_name(self.digest) if self.digest else f"new-{os.urandom(8).hex()}"
        self._path = os.path.join(self.blobs.ingest_directory, name)
        self._hash = self.digest.hasher() if self.digest else Digest("sha256", "").hasher()
        while True:
            try:
                self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise StoreError("write", self._path, error.strerror or "") from error
            if not self._lock():
                os.close(self._fd)
                self._path = f"{self._path}.{os.urandom(4).hex()}"
                continue
            if self.digest and self.blobs.has(self.digest):
                self.done = True
                self._forget()
                return
            # Whoever held the lock before may have renamed or removed the file under us.
            try:
                if os.path.samestat(os.fstat(self._fd), os.stat(self._path)):
                    break
            except FileNotFoundError:
                pass
            os.close(self._fd)
        self._take_up()

    def _lock(self) -> bool:
        """Wait for the part's lock as long as whoever has it makes good progress; whether it was acquired."""
        size, until = 0, monotonic() + TURN_S
        try:
            while True:
                try:
                    fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                except BlockingIOError:
                    self._pause(_LOOK_S)
                if monotonic() >= until:
                    before, size = size, os.fstat(self._fd).st_size
                    if size - before < TURN_BYTES:
                        return False
                    until += TURN_S
        except BaseException:
            os.close(self._fd)
            raise

    def _take_up(self) -> None:
        """Hash what an earlier, killed process has written, to go on behind it."""
        while chunk := os.read(self._fd, _CHUNK):
            self._hash.update(chunk)
            self.offset += len(chunk)
            if self._tap is not None:
                self._tap.write(chunk)
        self._stream = Stream(self._fd, self.size, self.offset)
        if self.size is not None and self.offset > self.size:
            self.restart()

    def restart(self) -> None:
        """Begin again from nothing."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.offset = 0
        self._stream = Stream(self._fd, self.size)
        self._hash = self.digest.hasher() if self.digest else Digest("sha256", "").hasher()
        if self._tap is not None:
            self._tap.restart()

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes. More than announced is an error at once."""
        if self.size is not None and self.offset + len(data) > self.size:
            reason = f"is longer than the {self.size} bytes that were announced"
            raise ContentError("blob", self._name, reason)
        if self._tap is not None:
            self._tap.write(data)
        self._hash.update(data)
        self.offset += len(data)
        try:
            self._stream.write(data)
        except OSError as error:
            raise StoreError("write", self._path, error.strerror or "") from error

    def commit(self, *, lasting: bool = True) -> Digest:
        """Verify, sync, and give the blob its name; ``lasting`` as ``Blobs.adopt`` has it."""
        if self.size is not None and self.offset != self.size:
            reason = f"has {self.offset} bytes where {self.size} were announced"
            raise ContentError("blob", self._name, reason)
        found = Digest(self.digest.algorithm if self.digest else "sha256", self._hash.hexdigest())
        if self.digest and found != self.digest:
            raise ContentError("blob", str(self.digest), f"has the digest {found}")
        self._stream.finish()
        os.fsync(self._fd)
        self.blobs.adopt(self._path, self._fd, found, lasting=lasting)
        self._path = ""
        self.digest, self.done = found, True
        return found

    @property
    def hex(self) -> str:
        """The hash of what was written up to now."""
        return self._hash.hexdigest()

    @property
    def _name(self) -> str:
        return str(self.digest) if self.digest else "without a name yet"

    def _forget(self) -> None:
        """Remove the part while the lock is held."""
        if self._path:
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass
            self._path = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An interrupted download is worth keeping, as after kill -9; a refused one is not.
        if not isinstance(error, KeyboardInterrupt):
            self._forget()
        # Said, not left to close: a child forked meanwhile has the same open file and would keep the lock.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)


def _part_name(digest: Digest) -> str:
    return f"{digest.algorithm}-{digest.hex}"


def _sync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: str, data: bytes) -> None:
    """Write a small file so that readers see the old or the new one, never half."""
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)
