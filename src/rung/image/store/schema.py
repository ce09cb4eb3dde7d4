"""The database's tables, version by version.

Rule: a step, once released, is never changed; a new version appends one. A new database takes
all steps, an old one those that it has not had, in one transaction.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE image (
    name TEXT PRIMARY KEY, target TEXT NOT NULL, target_type TEXT NOT NULL,
    manifest TEXT NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE manifest (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL, config TEXT NOT NULL,
    chain TEXT NOT NULL, created TEXT NOT NULL, platform TEXT NOT NULL, unpacked INTEGER NOT NULL,
    labels TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX manifest_config ON manifest (config);
CREATE TABLE edge (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE snapshot (
    chain TEXT PRIMARY KEY, parent TEXT NOT NULL, diff_id TEXT NOT NULL, size INTEGER NOT NULL,
    created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE rootfs (
    id TEXT PRIMARY KEY, driver TEXT NOT NULL, chain TEXT NOT NULL, manifest TEXT NOT NULL,
    target TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (id TEXT PRIMARY KEY, owner TEXT NOT NULL, purpose TEXT NOT NULL,
    created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE lease_item (lease TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (lease, key)) WITHOUT ROWID;
"""

#: Names are asked for by what they stand for (which names has this image? is it dangling now?).
_SECOND = """
CREATE INDEX image_manifest ON image (manifest);
CREATE INDEX rootfs_manifest ON rootfs (manifest);
"""

#: Unpacked layers are on the disk only when somebody has waited for that: until then, the boot in which
#: they were written, after whose end they may be torn.
_THIRD = """
ALTER TABLE snapshot ADD COLUMN unsynced TEXT NOT NULL DEFAULT '';
CREATE INDEX snapshot_unsynced ON snapshot (unsynced) WHERE unsynced != '';
"""

STEPS = (_FIRST, _SECOND, _THIRD)
VERSION = len(STEPS)


def statements(since: int) -> list[str]:
    """What brings a database of that version (0: empty) up to date."""
    return [one.strip() for step in STEPS[since:] for one in step.split(";") if one.strip()]
