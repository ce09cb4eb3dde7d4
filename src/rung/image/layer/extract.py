"""Unpacking a layer below one directory, whatever its archive says: by ``rung-untar``.

Rule: no file is made here. A small C program (``layer/untar/``) reads the archive from a pipe in a mount
namespace whose root is the layer's directory, where there is nothing else to reach; it
is told nothing but bytes, and what it says is a list of messages (``untar/report.c``).

Whiteouts become overlayfs's: a character device 0:0, and ``trusted.overlay.opaque``.
A layer is complete by itself; the directories that it only implies (it holds
``usr/bin/x`` but no entry for ``usr``; its root is ``b""``) are returned, so that whoever stacks it can give
them the attributes they have below: an overlay shows the topmost.
OCI image specification, layer.md.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal

from rung.image.errors import LayerError, StoreError
from rung.image.layer.names import show
from rung.kernel.userns import is_initial
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

#: What a pipe to the program holds: it goes on working while the stream is being decompressed.
_PIPE_BYTES = 1 << 20
_CHUNK = 1 << 18
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DAMAGED = "it is no tar or damaged"


class Extracted(Record):
    """What was unpacked. ``implied`` directories are parents first, ``places`` where an index has them;
    ``notes`` say what was left out."""

    entries: int
    size_bytes: int
    implied: tuple[bytes, ...]
    notes: tuple[str, ...]
    places: tuple[int, ...] = ()


class Unfit(LayerError):
    """A sound layer, of which no index can be written: it has to be unpacked."""


def extract(read: Callable[[int], bytes], directory: str) -> Extracted:
    """Unpack the uncompressed archive that ``read`` gives into an existing, empty directory."""
    fd = os.open(directory, _DIRECTORY)
    try:
        with Untar("overlay" if is_initial() else "userxattr", fd) as untar:
            while chunk := read(_CHUNK):
                untar.write(chunk)
            return untar.finish()
    finally:
        os.close(fd)


class Untar:
    """One running ``rung-untar``. A context: leaving it unfinished ends the program.
    The archive is written to it, or is the open file ``archive_fd``."""

    def __init__(self, form: str, target_fd: int, archive_fd: int = -1) -> None:
        archive, self._archive_fd = (archive_fd, -1) if archive_fd >= 0 else _pipe()
        self._report_fd, report = os.pipe()
        self._pid = 0
        try:
            self._pid = _spawn(form, (archive, report, target_fd))
        except BaseException:
            self._close()
            raise
        finally:
            os.close(report)
            if archive != archive_fd:
                os.close(archive)

    def write(self, data: bytes) -> None:
        """The archive's next bytes."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._archive_fd, view) :]
        except BrokenPipeError:  # it has ended, and says why
            self.finish()
            raise LayerError("archive", "", "was not read to its end") from None

    def finish(self) -> Extracted:
        """The archive has ended: what was unpacked."""
        if self._archive_fd >= 0:
            os.close(self._archive_fd)
            self._archive_fd = -1
        parts = []
        while part := os.read(self._report_fd, 1 << 16):
            parts.append(part)
        return _understand(b"".join(parts), self._reap())

    def _reap(self) -> int:
        """How the program ended; 0 where this process leaves its children to somebody else."""
        pid, self._pid = self._pid, 0
        try:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            return 0

    def _close(self) -> None:
        for fd in (self._archive_fd, self._report_fd):
            if fd >= 0:
                os.close(fd)
        self._archive_fd = self._report_fd = -1

    def __enter__(self) -> Untar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._pid:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # reaped by somebody else
            self._reap()


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:
        pass  # a user's pipes have a limit in all: a smaller one does too
    return reader, writer


def _spawn(form: str, fds: tuple[int, int, int]) -> int:
    program = os.path.join(os.path.dirname(__file__), "..", "..", "_bin", "rung-untar")
    # High first, so that none of 0, 1 and 3 is taken before it is given.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in fds]
    try:
        actions = [(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in zip(high, (0, 1, 3))]
        return os.posix_spawn(program, ["rung-untar", form], {}, file_actions=actions, setsigdef=[signal.SIGPIPE])
    except OSError as error:
        hint = "python3 tools/native.py compiles it" if error.errno == errno.ENOENT else ""
        raise StoreError("run", "rung-untar", error.strerror or "", hint) from error
    finally:
        for fd in high:
            os.close(fd)


def _messages(report: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 5 <= len(report):
        end = at + 5 + int.from_bytes(report[at + 1 : at + 5], "little")
        yield report[at : at + 1], report[at + 5 : end]
        at = end


def _understand(report: bytes, status: int) -> Extracted:
    implied, places, notes = [], [], []
    for kind, body in _messages(report):
        if kind == b"I":
            implied.append(body[8:])
            places.append(int.from_bytes(body[:8], "little"))
        elif kind == b"N":
            notes.append(_words(body))
        elif kind == b"D":
            entries, size = (int.from_bytes(body[at : at + 8], "little") for at in (0, 8))
            return Extracted(entries, size, tuple(implied), tuple(notes), tuple(places))
        elif kind in (b"L", b"S", b"U"):
            raise _failure(kind, *body.split(b"\0", 2))
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    raise StoreError("unpack", "", f"rung-untar {how}")


def _failure(kind: bytes, operation: bytes, object: bytes, reason: bytes) -> LayerError | StoreError:
    words = _words(reason)
    if kind == b"S":
        hint = "layers are unpacked as root, of a user namespace at least" if os.geteuid() else ""
        return StoreError(operation.decode(), show(object), words, hint)
    hint = _DAMAGED if words.startswith("has a broken") else ""
    return (Unfit if kind == b"U" else LayerError)(operation.decode(), show(object), words, hint)


def _words(data: bytes) -> str:
    """A sentence that may hold a name."""
    text = os.fsdecode(data).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
