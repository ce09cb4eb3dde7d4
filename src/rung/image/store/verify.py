"""Does the store hold what it says it holds? Every blob hashed again, every name followed.

Rule: looking changes nothing. What is found is data (``Problem``); ``repair`` does what can be
done without a registry and leaves the rest to be pulled again. Content is held by a lease
meanwhile, so that a collection beside this is no finding.
"""

from __future__ import annotations

import os
import sqlite3

from rung import jsonc
from rung.errors import RungError
from rung.image.progress import Event
from rung.image.snapshot.chain import chain_ids
from rung.image.store.layout import index_bytes
from rung.image.store.references import needs, present
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.store.metadata import ImageRow

_CHUNK = 1 << 20
_AT_ONCE = 4
DATABASE, BLOB, MISSING, LAYER = "database", "blob", "missing", "layer"
INDEX, ROOTFS, STRAY = "index", "rootfs", "stray"


class Problem(Record):
    """``kind``: ``database`` (damaged), ``blob`` (other bytes than its name says), ``missing`` (a blob
    that ``image`` needs), ``layer`` (unpacked files are gone, or not what they were), ``index`` (``index.json`` says
    something else), ``rootfs`` (a container's files are gone), ``stray`` (no blob's name)."""

    kind: str
    object: str
    reason: str
    image: str = ""

    def __str__(self) -> str:
        what = f"{self.kind} {self.object}"
        return f"{what}: {self.reason}" + (f" (image {self.image})" if self.image else "")


class Verified(Record):
    """What was looked at, and what is wrong."""

    blobs: int
    bytes: int
    layers: int
    images: int
    problems: tuple[Problem, ...]


def verify(content: Content, progress: Progress) -> Verified:
    """Look at everything; may run while others pull, start and remove."""
    try:
        rows = content.metadata.images()
        problems = [Problem(DATABASE, content.metadata.path, text) for text in content.metadata.integrity()]
    except RungError as error:
        if not isinstance(error.__cause__, sqlite3.Error):
            raise
        rows, problems = [], [Problem(DATABASE, content.metadata.path, str(error.__cause__))]
    if problems:
        blobs, size, found = _blobs(content, progress)
        return Verified(blobs, size, 0, 0, (*problems, *found))
    with content.metadata.lease("verify") as lease:
        lease.hold({key for row in rows for key in (row.target, row.manifest)})
        still = {(row.name, row.manifest) for row in content.metadata.images()}
        rows = [row for row in rows if (row.name, row.manifest) in still]  # not what went before we held it
        blobs, size, found = _blobs(content, progress)
        layers, lost = _layers(content)
        problems += [*found, *(one for row in rows for one in _image(content, row)), *lost, *_rootfs(content)]
        problems += _archives(content)
        problems += _index(content)
    return Verified(blobs, size, layers, len({row.config for row in rows}), tuple(dict.fromkeys(problems)))


def _blobs(content: Content, progress: Progress) -> tuple[int, int, list[Problem]]:
    """Hash every blob, several at a time (hashing leaves Python's lock alone)."""
    from concurrent.futures import ThreadPoolExecutor

    digests, problems = [], []
    for text in content.blobs.names():
        try:
            digests.append(Digest.parse(text))
        except SpecError:
            problems.append(Problem(STRAY, text, "is no blob's name"))
    sizes = {digest: content.blobs.size(digest) or 0 for digest in digests}
    total, done = sum(sizes.values()), 0
    with ThreadPoolExecutor(_AT_ONCE, "verify") as pool:
        for digest, found in zip(digests, pool.map(lambda one: _hash(content, one), digests)):
            done += sizes[digest]
            progress(Event("blobs", "Hashing", done, total))
            if found is not None and found != digest:
                problems.append(Problem(BLOB, str(digest), f"has bytes with the digest {found}"))
    return len(digests), total, problems


def _hash(content: Content, digest: Digest) -> Digest | None:
    return _hash_file(content.blobs.path(digest), digest.algorithm)


def _hash_file(path: str, algorithm: str) -> Digest | None:
    hasher = Digest(algorithm, "").hasher()
    try:
        with open(path, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except FileNotFoundError:  # removed since we listed it
        return None
    except OSError:
        return Digest(algorithm, "")
    return Digest(algorithm, hasher.hexdigest())


def _image(content: Content, row: ImageRow) -> Iterator[Problem]:
    """A name's documents, their blobs, its layers."""
    try:
        for digest in (row.target, row.manifest):
            if not content.blobs.has(Digest.parse(digest)):
                yield Problem(MISSING, digest, "is not in the store", row.name)
                return
        root = Descriptor(row.target_type, Digest.parse(row.target), 0)
        for _, document in present(content.blobs, root):
            for key in needs(content.blobs, document):
                if not content.blobs.has(Digest.parse(key)):
                    yield Problem(MISSING, key, "is not in the store", row.name)
        manifest = content.manifest(Digest.parse(row.manifest), row.media_type)
        chains = chain_ids(content.config(manifest).diff_ids)
        if row.chain != (str(chains[-1]) if chains else ""):
            yield Problem(DATABASE, row.manifest, "has another chain of layers than its configuration says", row.name)
    except RungError as error:
        yield Problem(BLOB, row.manifest, str(error), row.name)


def _layers(content: Content) -> tuple[int, list[Problem]]:
    with content.metadata.transaction(durable=False):  # no collection meanwhile
        chains = content.metadata.chains()
        gone = [chain for chain in chains if not content.layers.form(Digest.parse(chain))]
    reason = "is unpacked, the database says, and its files are not there"
    return len(chains), [Problem(LAYER, chain, reason) for chain in gone]


def _archives(content: Content) -> Iterator[Problem]:
    """Layers that are shown from their archives, hashed again; of files nobody has kept a digest."""
    for chain, diff_id in content.metadata.diff_ids():
        path = content.layers.archive(Digest.parse(chain))
        if path and (found := _hash_file(path, Digest.parse(diff_id).algorithm)) not in (None, Digest.parse(diff_id)):
            yield Problem(LAYER, chain, f"is shown from an archive with the diff ID {found}")


def _rootfs(content: Content) -> list[Problem]:
    with content.metadata.transaction(durable=False):
        return [
            Problem(ROOTFS, row.id, "has no files")
            for row in content.metadata.all_rootfs()
            if not os.path.isdir(os.path.join(content.rootfs_directory, row.id))
        ]


def _index(content: Content) -> Iterator[Problem]:
    path = os.path.join(content.directory, "index.json")
    with content.metadata.transaction(durable=False):  # nobody changes names while we compare
        rows = content.metadata.images()
        try:
            with open(path, "rb") as file:
                same = jsonc.loads(file.read()) == jsonc.loads(index_bytes(rows))
        except FileNotFoundError:
            same = not rows
        except (OSError, ValueError):
            same = False
    if not same:
        yield Problem(INDEX, path, "does not name the images that the database knows")
