"""Opening the database: SQLite in WAL mode, brought up to date, or a clear word on why not.

Rule: what is acknowledged to anybody outside is durable (``synchronous = FULL``); what only
living processes need to know, such as leases, need not be (``NORMAL``: a power cut may undo it,
never tear it).
"""

from __future__ import annotations

import sqlite3

from rung.image.errors import StoreError
from rung.image.store.owner import boot_id
from rung.image.store.schema import VERSION, statements

_BUSY_S = 60


def open_database(path: str) -> sqlite3.Connection:
    """A connection; raises ``StoreError`` where the file is no database of ours."""
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        version = _version(connection)
        if version < VERSION:
            _migrate(connection)
            version = VERSION
        if version == VERSION:
            _forget_torn_layers(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise failed("open", path, error) from error
    if version > VERSION:
        connection.close()
        reason = f"was written by a newer Rung (format {version}; this one reads up to {VERSION})"
        raise StoreError("open", path, reason)
    return connection


def failed(operation: str, path: str, error: sqlite3.Error) -> StoreError:
    """SQLite's error as the store's, with what to do where the file is damaged."""
    damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError
    )
    if damaged:
        return StoreError(operation, path, f"is damaged: {error}", "rung image verify --repair makes it anew")
    return StoreError(operation, path, str(error))


def _forget_torn_layers(connection: sqlite3.Connection) -> None:
    """Layers that nobody had waited for when the machine went down may have files without content."""
    torn = "unsynced NOT IN ('', ?)"
    if connection.execute(f"SELECT 1 FROM snapshot WHERE unsynced != '' AND {torn}", (boot_id(),)).fetchone():
        connection.execute(f"DELETE FROM snapshot WHERE {torn}", (boot_id(),))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(_version(connection)):  # asked again, now that we hold the lock
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
