"""Which repository has which manifests, tags and blobs: tables beside the store's own.

Rule: a link is made in the same transaction that puts the content into place, and taken
away in the same transaction that stops needing it; collection needs the same lock. So no
answer ever names content that is not there, and a kill at any moment leaves either both or
neither. Every link is also an edge from ``ROOT``, through which the store's collection knows
that the content is needed.
"""

from __future__ import annotations

import time

from rung import jsonc
from rung.image.store.metadata import REGISTRY as ROOT
from rung.image.store.metadata import Metadata
from rung.record import Record
from rung.spec.image import Digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from rung.image.store.metadata import Transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS registry_manifest (
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
    subject TEXT NOT NULL, artifact_type TEXT NOT NULL, annotations TEXT NOT NULL, pushed REAL NOT NULL,
    PRIMARY KEY (repository, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS registry_subject ON registry_manifest (repository, subject) WHERE subject != '';
CREATE TABLE IF NOT EXISTS registry_tag (
    repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, updated REAL NOT NULL,
    PRIMARY KEY (repository, tag)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS registry_tag_digest ON registry_tag (repository, digest);
CREATE TABLE IF NOT EXISTS registry_blob (
    repository TEXT NOT NULL, digest TEXT NOT NULL, linked REAL NOT NULL,
    PRIMARY KEY (repository, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS registry_blob_digest ON registry_blob (digest);
CREATE INDEX IF NOT EXISTS registry_manifest_digest ON registry_manifest (digest);
"""

#: A blob may be fetched from a repository that it was pushed to, and nobody else's digest will do.
_COLUMNS = "digest, media_type, size, subject, artifact_type, annotations"


class ManifestRow(Record):
    """A manifest of a repository, and what listings of referrers say of it. ``size`` in bytes."""

    digest: str
    media_type: str
    size: int
    subject: str
    artifact_type: str
    annotations: Mapping[str, str]

    def descriptor(self) -> dict[str, object]:
        """As "Listing Referrers" wants it."""
        value: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        return value


class Catalogue:
    """The links of every repository. Reading never waits for a writer."""

    def __init__(self, metadata: Metadata) -> None:
        with metadata.transaction() as change:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                change.execute(statement)
        self._metadata = metadata
        self._reader = Metadata(metadata.path)

    def close(self) -> None:
        """Close what reads."""
        self._reader.close()

    # --- reading ---------------------------------------------------------------------

    def manifest(self, repository: str, reference: str | Digest) -> ManifestRow | None:
        """A manifest by its digest, or by a tag."""
        if isinstance(reference, Digest):
            query = f"SELECT {_COLUMNS} FROM registry_manifest WHERE repository = ? AND digest = ?"
        else:
            query = f"""SELECT {_COLUMNS} FROM registry_manifest WHERE repository = ?1 AND digest =
                (SELECT digest FROM registry_tag WHERE repository = ?1 AND tag = ?2)"""
        rows = self._reader.rows(query, repository, str(reference))
        return _manifest_row(rows[0]) if rows else None

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Whether the blob may be fetched from this repository."""
        query = "SELECT 1 FROM registry_blob WHERE repository = ? AND digest = ?"
        return bool(self._reader.rows(query, repository, str(digest)))

    def repository_with(self, digest: Digest) -> str:
        """Any repository that has the blob; empty where none has."""
        rows = self._reader.rows("SELECT repository FROM registry_blob WHERE digest = ? LIMIT 1", str(digest))
        return str(rows[0][0]) if rows else ""

    def has_repository(self, repository: str) -> bool:
        """Whether anything was ever pushed there that is still there."""
        query = """SELECT 1 FROM registry_manifest WHERE repository = ?1
            UNION ALL SELECT 1 FROM registry_blob WHERE repository = ?1 LIMIT 1"""
        return bool(self._reader.rows(query, repository))

    def missing(self, repository: str, digests: Iterable[str]) -> list[str]:
        """Which of these the repository has neither as a blob nor as a manifest."""
        query = """SELECT 1 FROM registry_blob WHERE repository = ?1 AND digest = ?2
            UNION ALL SELECT 1 FROM registry_manifest WHERE repository = ?1 AND digest = ?2"""
        return [each for each in digests if not self._reader.rows(query, repository, each)]

    def repositories(self, after: str, limit: int) -> list[str]:
        """Names of repositories with manifests, in order, behind ``after``."""
        query = """SELECT DISTINCT repository FROM registry_manifest WHERE repository > ?
            ORDER BY repository LIMIT ?"""
        return [str(row[0]) for row in self._reader.rows(query, after, limit)]

    def tags(self, repository: str, after: str, limit: int) -> list[str]:
        """Tags in the order of their bytes, behind ``after``."""
        query = "SELECT tag FROM registry_tag WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?"
        return [str(row[0]) for row in self._reader.rows(query, repository, after, limit)]

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str, after: str, limit: int
    ) -> list[ManifestRow]:
        """Manifests whose subject this is, by digest, behind ``after``."""
        query = f"""SELECT {_COLUMNS} FROM registry_manifest WHERE repository = ? AND subject = ?
            AND (? IN ('', artifact_type)) AND digest > ? ORDER BY digest LIMIT ?"""
        rows = self._reader.rows(query, repository, str(subject), artifact_type, after, limit)
        return [_manifest_row(row) for row in rows]

    # --- changing: within the caller's transaction ---------------------------------------

    def link_blob(self, change: Transaction, repository: str, digest: Digest) -> None:
        """The repository has the blob."""
        change.execute(
            "INSERT OR REPLACE INTO registry_blob VALUES (?, ?, ?)", repository, str(digest), time.time()
        )
        change.add_edges(ROOT, [str(digest)])

    def link_manifest(
        self,
        change: Transaction,
        repository: str,
        row: ManifestRow,
        children: Sequence[str],
        tags: Iterable[str],
    ) -> None:
        """The repository has the manifest, which needs ``children``, under these tags."""
        values = (*row.values()[:-1], jsonc.dumps(dict(row.annotations)), time.time())
        change.execute(
            "INSERT OR REPLACE INTO registry_manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?)", repository, *values
        )
        change.add_edges(ROOT, [row.digest])
        change.add_edges(row.digest, children)
        for tag in tags:
            values = (repository, tag, row.digest, time.time())
            change.execute("INSERT OR REPLACE INTO registry_tag VALUES (?, ?, ?, ?)", *values)

    def unlink_tag(self, change: Transaction, repository: str, tag: str) -> bool:
        """Take a tag away; whether there was one."""
        statement = "DELETE FROM registry_tag WHERE repository = ? AND tag = ?"
        return change.execute(statement, repository, tag).rowcount > 0

    def unlink_manifest(self, change: Transaction, repository: str, digest: str) -> bool:
        """Take a manifest away, and every tag that names it; whether it was there."""
        change.execute("DELETE FROM registry_tag WHERE repository = ? AND digest = ?", repository, digest)
        statement = "DELETE FROM registry_manifest WHERE repository = ? AND digest = ?"
        gone = change.execute(statement, repository, digest).rowcount > 0
        _drop_root(change, digest)
        return gone

    def unlink_blob(self, change: Transaction, repository: str, digest: str) -> bool:
        """Take a blob away from a repository; whether it was there."""
        statement = "DELETE FROM registry_blob WHERE repository = ? AND digest = ?"
        gone = change.execute(statement, repository, digest).rowcount > 0
        _drop_root(change, digest)
        return gone


def _drop_root(change: Transaction, digest: str) -> None:
    """Content that no repository has any more is not needed for the registry's sake."""
    change.execute(
        """DELETE FROM edge WHERE parent = ?1 AND child = ?2
            AND NOT EXISTS (SELECT 1 FROM registry_blob WHERE digest = ?2)
            AND NOT EXISTS (SELECT 1 FROM registry_manifest WHERE digest = ?2)""",
        ROOT,
        digest,
    )


def _manifest_row(row: tuple[Any, ...]) -> ManifestRow:
    *columns, annotations = row
    return ManifestRow(**dict(zip(ManifestRow.fields, [*columns, jsonc.loads(annotations)])))
