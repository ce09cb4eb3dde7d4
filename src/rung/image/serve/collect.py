"""What no manifest needs any more: unlinked, and given to the store's collection.

Rule: a blob is pushed before the manifest that needs it, so a blob that nothing needs is kept
for ``grace_s`` after it came; an upload that nobody works on likewise. All of it may go on while
clients push and pull, in this process or another: links change under the store's write lock only.
"""

from __future__ import annotations

import threading
import time

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.image.serve.registry import Registry

GRACE_S = 3600.0
UPLOAD_S = 24 * 3600.0
EVERY_S = 600.0

_UNUSED = """SELECT repository, digest FROM registry_blob AS b WHERE linked < ? AND NOT EXISTS (
    SELECT 1 FROM edge JOIN registry_manifest AS m ON edge.parent = m.digest
    WHERE edge.child = b.digest AND m.repository = b.repository)"""
_UNTAGGED = """SELECT repository, digest FROM registry_manifest AS m WHERE pushed < ? AND subject = ''
    AND NOT EXISTS (SELECT 1 FROM registry_tag AS t WHERE t.repository = m.repository AND t.digest = m.digest)
    AND NOT EXISTS (SELECT 1 FROM edge JOIN registry_manifest AS p ON edge.parent = p.digest
        WHERE edge.child = m.digest AND p.repository = m.repository)"""
_ORPHANS = """SELECT repository, digest FROM registry_manifest AS m WHERE pushed < ? AND subject != ''
    AND NOT EXISTS (SELECT 1 FROM registry_tag AS t WHERE t.repository = m.repository AND t.digest = m.digest)
    AND NOT EXISTS (SELECT 1 FROM registry_manifest AS s
        WHERE s.repository = m.repository AND s.digest = m.subject)"""


class Collected(Record):
    """What a collection did."""

    manifests: int
    blobs: int
    freed_bytes: int


def collect(registry: Registry, *, grace_s: float = GRACE_S, untagged: bool = False) -> Collected:
    """Unlink what is not needed and remove what is reached by nothing. With ``untagged``, manifests
    without a tag go as well, and referrers whose subject has gone."""
    before = time.time() - grace_s
    manifests = 0
    with registry.content.metadata.transaction() as change:
        while untagged:
            doomed = [*change.execute(_UNTAGGED, before), *change.execute(_ORPHANS, before)]
            for repository, digest in doomed:
                registry.catalogue.unlink_manifest(change, repository, digest)
            manifests += len(doomed)
            if not doomed:  # what an index held together may have come free
                break
        unused = change.execute(_UNUSED, before).fetchall()
        for repository, digest in unused:
            registry.catalogue.unlink_blob(change, repository, digest)
    freed = registry.uploads.forget_abandoned(max(grace_s, UPLOAD_S) if grace_s else 0.0)
    return Collected(manifests, len(unused), freed + registry.content.collect().blob_bytes)


class Collector:
    """Collection now and then beside a server. A context."""

    def __init__(self, registry: Registry, log: Callable[[str], None], every_s: float = EVERY_S) -> None:
        self._registry = registry
        self._log = log
        self._every_s = every_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        from rung.errors import RungError

        while not self._end.wait(self._every_s):
            try:
                done = collect(self._registry)
            except (RungError, OSError) as error:
                self._log(f"collection: {error}")
                continue
            if done.freed_bytes:
                self._log(f"collected {done.blobs} blobs, {done.freed_bytes} bytes")
