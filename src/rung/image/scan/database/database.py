"""The vulnerability database: one SQLite file that feeds are read into and scans ask.

Rule: a place (path or URL) is one feed; reading it again replaces what it said, in one transaction,
so that a scan sees the old or the new, never half. Nothing in here cannot be built again.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from contextlib import contextmanager

from rung.image.errors import ScanError
from rung.image.scan.advisory import Advisory, Affected
from rung.image.scan.database.formats import RANKS, NotRead, advisories
from rung.image.scan.database.places import documents, is_url
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

VERSION = 1
_FEED_NAME = re.compile(r"[^/]*(?:\.json|Packages|Sources|changelog\.Debian)[^/]*$")
_BUSY_S = 60
_SCHEMA = """
CREATE TABLE feed (id INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE, formats TEXT NOT NULL,
    updated REAL NOT NULL, advisories INTEGER NOT NULL);
CREATE TABLE advisory (id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL,
    cve TEXT NOT NULL, aliases TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL, url TEXT NOT NULL,
    vector TEXT NOT NULL, score REAL NOT NULL);
CREATE INDEX advisory_feed ON advisory (feed);
CREATE INDEX advisory_cve ON advisory (cve);
CREATE TABLE affected (advisory INTEGER NOT NULL, ecosystem TEXT NOT NULL, package TEXT NOT NULL,
    introduced TEXT NOT NULL, fixed TEXT NOT NULL, last TEXT NOT NULL, versions TEXT NOT NULL,
    status TEXT NOT NULL, severity TEXT NOT NULL);
CREATE INDEX affected_package ON affected (ecosystem, package);
CREATE INDEX affected_advisory ON affected (advisory);
"""


class Feed(Record):
    """A place that was read: when (seconds since 1970), its formats, how many advisories it had."""

    place: str
    formats: tuple[str, ...]
    updated: float
    advisories: int


class Known(Record):
    """One range of one advisory, for a package that was asked for. ``rank``: lower is better known."""

    advisory: Advisory
    affected: Affected
    rank: int


class Database:
    """The database at ``path``."""

    def __init__(self, path: str) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether anything was ever read into it."""
        try:
            return os.path.getsize(self.path) > 0  # a first update that failed leaves it empty
        except OSError:
            return False

    def feeds(self) -> list[Feed]:
        """What it was built from, by place."""
        with self._opened() as db:
            rows = db.execute("SELECT place, formats, updated, advisories FROM feed ORDER BY place").fetchall()
        return [Feed(place, tuple(json.loads(formats)), updated, count) for place, formats, updated, count in rows]

    def update(self, place: str) -> Feed:
        """Read a place again. Raises ``ScanError``, and then nothing is changed."""
        place = place if is_url(place) else os.path.abspath(place)
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        with self._opened(writing=True) as db:
            feed = _replace_feed(db, place)
            found = _read(db, feed, place)
            values = (json.dumps(found.formats), found.updated, found.advisories, feed)
            db.execute("UPDATE feed SET formats = ?, updated = ?, advisories = ? WHERE id = ?", values)
        return found

    @contextmanager
    def lookup(self) -> Iterator[Lookup]:
        """The database, open for a scan. Raises ``ScanError`` where there is none."""
        if not self.exists():
            hint = "rung image scan --update, with --from PATH where there is no network"
            raise ScanError("scan", self.path, "there is no vulnerability database", hint)
        with self._opened() as db:
            yield Lookup(db)

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        db: sqlite3.Connection | None = None
        try:
            db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
            if writing:
                db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and writing:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
            elif version != VERSION:
                hint = "remove it and run: rung image scan --update"
                raise ScanError("open", self.path, f"has format {version}, not {VERSION}", hint)
            yield db
            if writing:
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise ScanError("vulnerability database", self.path, str(error)) from error
        finally:
            if db is not None:
                db.close()  # what is not committed is undone


class Lookup:
    """Questions of a scan."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def known(self, ecosystem: str, package: str) -> list[Known]:
        """All that feeds say of a package."""
        query = """SELECT name, cve, aliases, advisory.severity, title, url, vector, score, rank,
            ecosystem, package, introduced, fixed, last, versions, status, affected.severity
            FROM affected JOIN advisory ON advisory.id = affected.advisory WHERE ecosystem = ? AND package = ?
            ORDER BY advisory.id, affected.rowid"""
        return [_known(row) for row in self._db.execute(query, (ecosystem, package))]

    def severities(self, cve: str) -> list[tuple[str, str, float]]:
        """``(severity, vector, score)`` that any feed gives a CVE."""
        query = """SELECT DISTINCT severity, vector, score FROM advisory
            WHERE cve = ? AND severity NOT IN ('', 'UNKNOWN') ORDER BY rank, score DESC, severity"""
        return self._db.execute(query, (cve,)).fetchall()


def _known(row: Sequence[Any]) -> Known:
    name, cve, aliases, severity, title, url, vector, score, rank, *rest = row
    ecosystem, package, introduced, fixed, last, versions, status, own_severity = rest
    listed, others = tuple(json.loads(versions)), tuple(json.loads(aliases))
    affected = Affected(ecosystem, package, introduced, fixed, last, listed, status, own_severity)
    advisory = Advisory(name, cve, (), others, severity, title, url, vector, score)
    return Known(advisory, affected, rank)


def _replace_feed(db: sqlite3.Connection, place: str) -> int:
    """The feed's number, with all that it said before taken away."""
    row = db.execute("SELECT id FROM feed WHERE place = ?", (place,)).fetchone()
    if row is None:
        cursor = db.execute("INSERT INTO feed (place, formats, updated, advisories) VALUES (?, '[]', 0, 0)", (place,))
        return int(cursor.lastrowid or 0)
    of_feed = "SELECT id FROM advisory WHERE feed = ?"
    db.execute(f"DELETE FROM affected WHERE advisory IN ({of_feed})", row)
    db.execute("DELETE FROM advisory WHERE feed = ?", row)
    return int(row[0])


def _read(db: sqlite3.Connection, feed: int, place: str) -> Feed:
    formats: set[str] = set()
    count = 0
    for name, data, near in documents(place):
        try:
            found = advisories(data, near)
            if found is None:
                if name == place:
                    raise ScanError("read", name, "is of no format that is known here", "see docs/images.md")
                continue
            formats.add(found[0])
            for advisory in found[1]:
                _insert(db, feed, RANKS[found[0]], advisory)
                count += 1
        except NotRead as error:
            if name != place and not _FEED_NAME.search(name):
                continue  # whatever else lies in a directory
            raise ScanError("read", name, str(error)) from None
    if not formats:
        raise ScanError("read", place, "holds nothing of a format that is known here", "see docs/images.md")
    return Feed(place, tuple(sorted(formats)), time.time(), count)


def _insert(db: sqlite3.Connection, feed: int, rank: int, one: Advisory) -> None:
    values = (feed, rank, one.id, one.cve, json.dumps(one.aliases), one.severity, one.title, one.url, one.vector)
    cursor = db.execute(
        "INSERT INTO advisory (feed, rank, name, cve, aliases, severity, title, url, vector, score)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, one.score),
    )
    db.executemany(
        "INSERT INTO affected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (cursor.lastrowid, a.ecosystem, a.package, a.introduced, a.fixed, a.last, json.dumps(a.versions),
             a.status, a.severity)
            for a in one.affected
        ],
    )  # fmt: skip
