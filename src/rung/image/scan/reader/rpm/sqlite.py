"""RPM's database in SQLite (``rpmdb.sqlite``; Fedora 33, RHEL 9 and later)."""

from __future__ import annotations

import sqlite3

from rung.image.scan.packages import Contents
from rung.image.scan.reader import Unreadable
from rung.image.scan.reader.rpm.header import contents

_STEPS, _MOST_STEPS = 1_000_000, 100  # of SQLite's machine; a large database takes one or two
_MAGIC = b"SQLite format 3\0"
_WAL, _LEGACY = b"\x02\x02", b"\x01\x01"


def read(path: bytes, data: bytes) -> Contents:
    """The packages. The file is read in memory: what it says cannot reach any other."""
    if not data.startswith(_MAGIC):
        raise Unreadable("is no SQLite database")
    if data[18:20] == _WAL:  # a database in memory has no log beside it
        data = data[:18] + _LEGACY + data[20:]
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        steps = iter(range(_MOST_STEPS))
        connection.set_progress_handler(lambda: next(steps, None) is None, _STEPS)  # pages may go in circles
        # A view could ask for a computation without end.
        kind = connection.execute("SELECT type, rootpage FROM sqlite_master WHERE name = 'Packages'").fetchone()
        if kind is None or kind[0] != "table" or not kind[1]:
            raise Unreadable("has no table of packages")
        rows = connection.execute("SELECT blob FROM Packages")
        return contents(path, (bytes(blob) for (blob,) in rows if isinstance(blob, bytes)), len(data))
    except sqlite3.Error as error:
        raise Unreadable(f"is a broken SQLite database: {error}") from None
    finally:
        connection.close()
