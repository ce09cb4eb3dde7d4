"""A copy: read what there is, leave out what is there already, blobs before manifests, the name last.

Rule: manifests travel byte for byte, so digests are the same at both ends; each is verified
here, blobs by the destination. A copy that fails leaves no name behind.
OCI image-spec, image-index.md; OCI Distribution 1.1, "Push" (the order).
"""

from __future__ import annotations

import threading

from rung.image.errors import ContentError, ImageError, RegistryError
from rung.image.progress import EXISTS_THERE, PREPARING, SKIPPED, Event
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Index, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.image.progress import Progress
    from rung.image.transfer.ends import Destination, Source
    from rung.spec.image import Descriptor, Platform

#: Indexes may hold indexes, and referrers referrers; nobody nests them deeper.
DEPTH = 4
#: Manifests of one copy.
_MANIFESTS = 2000


class Plan(Record):
    """What is to be moved. ``manifests`` from the bottom up, without the root; ``blobs`` each once."""

    root: Descriptor
    data: bytes
    manifests: tuple[tuple[Descriptor, bytes], ...]
    blobs: tuple[Descriptor, ...]
    referrers: tuple[tuple[Descriptor, bytes], ...] = ()


def copy(
    source: Source,
    destination: Destination,
    progress: Progress,
    *,
    platform: Platform | None = None,
    referrers: bool = False,
) -> Descriptor:
    """Move what the source names to the destination; its descriptor. ``platform``: of an index only
    that image; None for all of it. ``referrers``: what refers to it, too."""
    failed = True
    try:
        plan = make_plan(source, platform, referrers=referrers)
        _move(source, destination, plan.blobs, progress)
        for at, data in plan.manifests:
            destination.put_manifest(at, data)
        destination.name(plan.root, plan.data)
        for at, data in plan.referrers:
            destination.put_manifest(at, data)
        failed = False
        return plan.root
    finally:
        destination.close(failed=failed)
        source.close()


# --- deciding ------------------------------------------------------------------------


def make_plan(source: Source, platform: Platform | None = None, *, referrers: bool = False) -> Plan:
    """What a copy takes; reads manifests only."""
    root, data = source.root()
    _check(root, data)
    for _ in range(DEPTH):
        parsed = parse_manifest(data, root.media_type, f"manifest {root.digest}")
        root = root.replace(media_type=parsed.media_type)  # what it says itself counts
        if platform is None or not isinstance(parsed, Index):
            break
        chosen = choose_platform(parsed.manifests, platform)
        if chosen is None:
            offered = ", ".join(sorted({str(one.platform) for one in parsed.manifests if one.platform}))
            hint = f"--platform chooses one of {offered[:300]}; --all takes everything"
            raise ImageError("copy", str(root.digest), f"has no image for {platform}", hint)
        root, data = _read(source, chosen)
    walk = _Walk(source)
    walk.below(root, data, 0)
    own = tuple(walk.manifests)
    walk.manifests.clear()
    if referrers:
        for at, _ in (*own, (root, data)):
            walk.referring(at, 0)
    return Plan(root, data, own, tuple(walk.blobs.values()), tuple(walk.manifests))


class _Walk:
    """Down from a manifest: everything once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.manifests: list[tuple[Descriptor, bytes]] = []
        self.blobs: dict[str, Descriptor] = {}
        self.seen: set[str] = set()

    def below(self, at: Descriptor, data: bytes, depth: int) -> None:
        self.seen.add(str(at.digest))
        parsed = parse_manifest(data, at.media_type, f"manifest {at.digest}")
        if not isinstance(parsed, Index):
            for blob in (parsed.config, *parsed.layers):
                self.blobs.setdefault(str(blob.digest), blob)
            return
        if depth >= DEPTH:
            raise SpecError("manifests", f"indexes are nested more than {DEPTH} deep", document=str(at.digest))
        for child in parsed.manifests:
            self.take(child, depth)

    def take(self, at: Descriptor, depth: int) -> None:
        if str(at.digest) in self.seen:
            return
        if len(self.seen) >= _MANIFESTS:
            raise SpecError("manifests", f"are more than {_MANIFESTS}", document="image")
        at, data = _read(self.source, at)
        self.below(at, data, depth + 1)
        self.manifests.append((at, data))

    def referring(self, subject: Descriptor, depth: int) -> None:
        if depth >= DEPTH:
            return
        for one in self.source.referrers(subject.digest):
            self.take(one, 0)
            self.referring(one, depth + 1)


def _read(source: Source, at: Descriptor) -> tuple[Descriptor, bytes]:
    data = source.manifest(at)
    if data is None:
        raise ContentError("copy", str(at.digest), "is named by an index and not there", "choose one with --platform")
    _check(at, data)
    return at, data


def _check(at: Descriptor, data: bytes) -> None:
    if at.size != len(data):
        raise ContentError("manifest", str(at.digest), f"has {len(data)} bytes, its index says {at.size}")
    if not at.digest.matches(data):
        raise ContentError("manifest", str(at.digest), "has other bytes")


# --- doing ---------------------------------------------------------------------------


def _move(source: Source, destination: Destination, blobs: Sequence[Descriptor], progress: Progress) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stop = threading.Event()

    def move(blob: Descriptor) -> None:
        try:
            _move_one(source, destination, blob, progress, stop)
        except BaseException:
            stop.set()
            raise

    for blob in blobs:
        progress(Event(blob.digest.short, PREPARING))
    with ThreadPoolExecutor(destination.at_once, "copy") as pool:
        jobs = [pool.submit(move, blob) for blob in blobs]
        try:
            errors = [error for job in jobs if (error := job.exception()) is not None]
        except BaseException:
            stop.set()
            raise
    if errors:
        raise next((error for error in errors if not isinstance(error, _GivenUp)), errors[0])


class _GivenUp(RegistryError):
    """Another blob failed."""


def _move_one(
    source: Source, destination: Destination, blob: Descriptor, progress: Progress, stop: threading.Event
) -> None:
    short = blob.digest.short

    def sent(size: int) -> None:
        if stop.is_set():
            raise _GivenUp("copy", short, "was given up")
        progress(Event(short, destination.moving, size, blob.size))

    if stop.is_set():
        raise _GivenUp("copy", short, "was given up")
    if media.is_foreign(blob.media_type) and blob.urls:
        progress(Event(short, SKIPPED))
        return
    if destination.has(blob):
        progress(Event(short, EXISTS_THERE))
        return
    said = destination.put(blob, lambda offset: source.open(blob, offset), source.origins(blob), sent)
    progress(Event(short, said))
