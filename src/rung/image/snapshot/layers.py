"""Unpacked layers on disk: ``snapshots/layers/ALGORITHM/CHAIN-ID``, each once.

Rule: a directory under ``layers/`` is a whole layer whose archive had the diff ID that
its image's configuration says. It grows under ``snapshots/new/`` with its owner's name
in its own, is verified, and renamed; what a killed process left is removed by whoever
collects next.
"""

from __future__ import annotations

import errno
import os

from rung.image.errors import LayerError, StoreError
from rung.image.layer.decompress import plain
from rung.image.layer.extract import extract
from rung.image.snapshot.tree import imply_attributes, remove_tree
from rung.image.store import owner
from rung.kernel.sync import syncfs
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

    from rung.image.layer.extract import Extracted

#: Unpacking leaves at least this much of the file system free, whatever an archive says.
RESERVE_BYTES = 256 << 20


class Layers:
    """The unpacked layers below a snapshots directory."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.join(directory, "layers")
        self.new_directory = os.path.join(directory, "new")

    def make_directories(self) -> None:
        """Make what is missing of the directories."""
        for path in (os.path.join(self.directory, "sha256"), self.new_directory):
            os.makedirs(path, mode=0o700, exist_ok=True)

    def path(self, chain: Digest) -> str:
        """Where the layer on top of a chain is, or would be."""
        return os.path.join(self.directory, chain.algorithm, chain.hex)

    def unpack(self, read: Callable[[int], bytes], diff_id: Digest | None = None) -> NewLayer:
        """Unpack an archive (compressed or not) beside the others; verify its diff ID where it
        is known, find it out where it is not."""
        path = os.path.join(self.new_directory, f"{owner.me()}-{os.urandom(4).hex()}")
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)
        try:
            stream = _Verified(plain(read), diff_id, _budget(path))
            extracted = extract(stream.read, path)
            found = stream.finish()
        except BaseException:
            remove_tree(path)
            raise
        return NewLayer(self, path, extracted, found)

    def sync(self) -> None:
        """Wait until all that was unpacked is on the disk."""
        fd = os.open(self.new_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syncfs(fd)
        finally:
            os.close(fd)

    def discard(self, chain: Digest) -> str:
        """Take a layer away at once; the path of what is left to be removed, or empty."""
        doomed = os.path.join(self.new_directory, f"{owner.me()}-{os.urandom(4).hex()}-gone")
        try:
            os.rename(self.path(chain), doomed)
        except FileNotFoundError:
            return ""
        return doomed

    def abandoned(self) -> list[str]:
        """What processes that are no more have left half done."""
        names = os.listdir(self.new_directory)
        dead = [name for name in names if not owner.alive("-".join(name.split("-")[:3]))]
        return [os.path.join(self.new_directory, name) for name in dead]


class NewLayer:
    """A layer that is unpacked and verified, but has no place in a chain yet."""

    def __init__(self, layers: Layers, path: str, extracted: Extracted, diff_id: Digest) -> None:
        self.layers = layers
        self.path = path
        self.extracted = extracted
        self.diff_id = diff_id

    def stack(self, chain: Digest, lowers: list[str]) -> None:
        """Put it on top of ``lowers`` (topmost first); one that is there already is as good."""
        try:
            imply_attributes(self.path, self.extracted.implied, lowers)
            final = self.layers.path(chain)
            os.makedirs(os.path.dirname(final), mode=0o700, exist_ok=True)
            os.rename(self.path, final)
        except OSError as error:
            self.drop()
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise StoreError("layer", str(chain), error.strerror or "") from error

    def drop(self) -> None:
        """Remove it."""
        remove_tree(self.path)


class _Verified:
    """The uncompressed stream: hashed as it is read, and bounded by the room there is."""

    def __init__(self, read: Callable[[int], bytes], diff_id: Digest | None, budget: int) -> None:
        self._read = read
        self._diff_id = diff_id
        self._algorithm = diff_id.algorithm if diff_id else "sha256"
        self._hash: _Hash = Digest(self._algorithm, "").hasher()
        self._left = self._budget = budget

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._hash.update(data)
        self._left -= len(data)
        if self._left < 0:
            reason = f"unpacks to more than the {self._budget >> 20} MiB that there is room for"
            raise LayerError("layer", str(self._diff_id or ""), reason)
        return data

    def finish(self) -> Digest:
        """Read what follows the archive's end, then compare."""
        while self.read(1 << 20):
            pass
        found = Digest(self._algorithm, self._hash.hexdigest())
        if self._diff_id and found != self._diff_id:
            reason = f"has the diff ID {found}, not the one that its image's configuration says"
            raise LayerError("layer", str(self._diff_id), reason)
        return found


def _budget(path: str) -> int:
    found = os.statvfs(path)
    return max(0, found.f_bavail * found.f_frsize - RESERVE_BYTES)
