"""Unpacked layers on disk: ``snapshots/layers/ALGORITHM/CHAIN-ID``, each once.

Rule: a directory under ``layers/`` is a whole layer whose archive had the diff ID that
its image's configuration says; one under ``erofs/`` is such a layer in its archive (``erofs.py``), shown on
demand. It grows under ``snapshots/new/`` with its owner's name
in its own, is verified, and renamed; what a killed process left is removed by whoever
collects next.
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack

from rung.image.errors import LayerError, StoreError
from rung.image.layer.decompress import plain
from rung.image.layer.extract import Unfit, extract
from rung.image.layer.relay import Ahead
from rung.image.snapshot import erofs, erofs_image
from rung.image.snapshot.tree import find_below, imply_attributes, own_xattrs, remove_tree
from rung.image.store import owner
from rung.kernel.errors import KernelError
from rung.kernel.mount import is_mountpoint
from rung.kernel.sync import syncfs
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from hashlib import _Hash

    from rung.image.layer.extract import Extracted

#: Unpacking leaves at least this much of the file system free, whatever an archive says.
RESERVE_BYTES = 256 << 20
#: A layer's forms: its files, or its archive with an index of it.
FILES, EROFS = "files", "erofs"
#: What a layer can be brought in as, to become ``EROFS``: an image that is mounted as it is.
IMAGE = "erofs-image"


class Layers:
    """The unpacked layers below a snapshots directory."""

    def __init__(self, directory: str) -> None:
        self.directory = os.path.join(directory, "layers")
        self.erofs_directory = os.path.join(directory, "erofs")
        self.new_directory = os.path.join(directory, "new")

    def make_directories(self) -> None:
        """Make what is missing of the directories."""
        for path in (os.path.join(self.directory, "sha256"), self.erofs_directory, self.new_directory):
            os.makedirs(path, mode=0o700, exist_ok=True)

    def path(self, chain: Digest) -> str:
        """Where the files of the layer on top of a chain are, or would be; see ``show``."""
        place = self._place(chain, EROFS)
        return os.path.join(place, "files") if os.path.isdir(place) else self._place(chain, FILES)

    def _place(self, chain: Digest, form: str) -> str:
        top = self.erofs_directory if form == EROFS else self.directory
        return os.path.join(top, chain.algorithm, chain.hex)

    def form(self, chain: Digest) -> str:
        """The form in which the layer is there; empty where it is not."""
        return next((form for form in (FILES, EROFS) if os.path.isdir(self._place(chain, form))), "")

    def place(self, chain: Digest) -> str:
        """Where the layer is kept, whatever its form."""
        return self._place(chain, self.form(chain) or FILES)

    def archive(self, chain: Digest) -> str:
        """The archive (or image) that the layer is shown from; empty where it is unpacked, or not there."""
        if self.form(chain) != EROFS:
            return ""
        path = os.path.join(self._place(chain, EROFS), erofs.TAR)
        return path if os.path.exists(path) else os.path.join(self._place(chain, EROFS), erofs.INDEX)

    def all(self) -> Iterator[str]:
        """The chains of all layers that are there."""
        for top in (self.directory, self.erofs_directory):
            for algorithm in os.listdir(top):
                for name in os.listdir(os.path.join(top, algorithm)):
                    yield f"{algorithm}:{name}"

    def show(self, chain: Digest) -> str:
        """The directory of the layer's files, mounted if need be."""
        if self.form(chain) != EROFS:
            return self._place(chain, FILES)
        try:
            return erofs.show(self._place(chain, EROFS))
        except KernelError as error:
            raise StoreError("mount layer", str(chain), str(error)) from error

    def is_shown(self, chain: Digest) -> bool:
        """Whether the layer is mounted by ``show``."""
        return self.form(chain) == EROFS and is_mountpoint(self.path(chain))

    def hide(self, chain: Digest) -> None:
        """Take away the mount of a layer that nobody needs to look into."""
        if self.form(chain) == EROFS:
            erofs.hide(self._place(chain, EROFS))

    def open(self, chain: Digest) -> int:
        """A descriptor of the layer's root directory."""
        if self.form(chain) != EROFS:
            return os.open(self._place(chain, FILES), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return erofs.open_root(self._place(chain, EROFS))

    def unpack(
        self, read: Callable[[int], bytes], diff_id: Digest | None = None, form: str = FILES, *, ahead: bool = False
    ) -> NewLayer:
        """Unpack an archive (compressed or not) beside the others; verify its diff ID where it
        is known, find it out where it is not. ``ahead``: a processor is free to decompress by itself."""
        path = self.new()
        try:
            with ExitStack() as stack:
                bytes_of = stack.enter_context(Ahead(plain(read))).read if ahead else plain(read)
                stream = _Verified(bytes_of, diff_id, _budget(path))
                if form == IMAGE:
                    form, extracted = EROFS, erofs_image.keep(stream.read, path)
                elif form == EROFS:
                    path, form, extracted = self._index(stream, path)
                else:
                    extracted = extract(stream.read, path)
                found = stream.finish()
        except BaseException:
            remove_tree(path)
            raise
        return NewLayer(self, path, extracted, found, form)

    def _index(self, stream: _Verified, path: str) -> tuple[str, str, Extracted]:
        """With an index; or, where none can hold the layer, its files after all."""
        try:
            return path, EROFS, erofs.unpack(stream.read, path)
        except Unfit:
            path, extracted = self.files_of(path)
            return path, FILES, extracted

    def files_of(self, archived: str) -> tuple[str, Extracted]:
        """Unpack a layer that was to be kept as its archive, into a new directory in place of the old one."""
        path = self.new()
        try:
            with open(os.path.join(archived, erofs.TAR), "rb") as file:
                extracted = extract(file.read, path)
        except BaseException:
            remove_tree(path)
            raise
        remove_tree(archived)
        return path, extracted

    def new(self) -> str:
        """An empty directory for a layer to come."""
        path = os.path.join(self.new_directory, f"{owner.me()}-{os.urandom(4).hex()}")
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)
        return path

    def sync(self) -> None:
        """Wait until all that was unpacked is on the disk."""
        fd = os.open(self.new_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syncfs(fd)
        finally:
            os.close(fd)

    def discard(self, chain: Digest) -> str:
        """Take a layer away at once; the path of what is left to be removed, or empty."""
        form = self.form(chain)
        if not form:
            return ""
        self.hide(chain)
        doomed = os.path.join(self.new_directory, f"{owner.me()}-{os.urandom(4).hex()}-gone")
        try:
            os.rename(self._place(chain, form), doomed)
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

    def __init__(
        self, layers: Layers, path: str, extracted: Extracted, diff_id: Digest, form: str = FILES
    ) -> None:
        self.layers = layers
        self.path = path
        self.extracted = extracted
        self.diff_id = diff_id
        self.form = form

    def stack(self, chain: Digest, lowers: Sequence[Digest]) -> None:
        """Put it on top of the layers of ``lowers`` (topmost first); one that is there already is as good."""
        try:
            self._imply(lowers)
            if self.form == EROFS:
                erofs.identify(self.path, bytes.fromhex(chain.hex[:32]))
            final = self.layers._place(chain, self.form)
            os.makedirs(os.path.dirname(final), mode=0o700, exist_ok=True)
            os.rename(self.path, final)
        except OSError as error:
            self.drop()
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise StoreError("layer", str(chain), error.strerror or "") from error

    def _imply(self, lowers: Sequence[Digest]) -> None:
        """Give directories that the layer only implies the attributes they have in the layers below."""
        if not self.extracted.implied or not lowers:
            return
        roots = _Roots(self.layers, lowers)
        try:
            while not self._implied_from(roots):
                self.path, self.extracted = self.layers.files_of(self.path)
                self.form = FILES
        finally:
            roots.close()

    def _implied_from(self, roots: _Roots) -> bool:
        """False where the index has no room for what a directory has."""
        # Children first: their times are set before their parents' change.
        for path, place in reversed(list(zip(self.extracted.implied, self.extracted.places))):
            like_fd = find_below(roots, path)
            if like_fd is None:
                continue
            try:
                if self.form == FILES:
                    imply_attributes(self.path, path, like_fd)
                elif own_xattrs(like_fd):
                    return False
                else:
                    erofs.describe(self.path, place, like_fd)
            finally:
                os.close(like_fd)
        return True

    def drop(self) -> None:
        """Remove it."""
        remove_tree(self.path)


class _Roots:
    """The root directories of layers, each opened when it is first looked into."""

    def __init__(self, layers: Layers, chains: Sequence[Digest]) -> None:
        self.layers = layers
        self.chains = chains
        self.held: list[int] = []

    def __iter__(self) -> Iterator[int]:
        for at, chain in enumerate(self.chains):
            if at == len(self.held):
                self.held.append(self.layers.open(chain))
            yield self.held[at]

    def close(self) -> None:
        for fd in self.held:
            os.close(fd)


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
