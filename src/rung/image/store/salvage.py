"""What can still be read of a damaged database, row by row, put into a new one.

Rule: rows that the new database has already win; what cannot be read is passed over.
"""

from __future__ import annotations

import sqlite3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.store.transaction import Transaction

#: Leases are of processes that are not alive, or will notice.
_NOT_WANTED = ("lease", "lease_item")


def salvage(path: str, change: Transaction) -> int:
    """Take over the rows of the database at ``path``; how many."""
    count = 0
    try:
        old = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error:
        return 0
    try:
        tables = old.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for name, statement in tables.fetchall():
            if name not in _NOT_WANTED:
                count += _table(old, change, str(name), str(statement))
    except sqlite3.Error:
        pass
    finally:
        old.close()
    return count


def _table(old: sqlite3.Connection, change: Transaction, name: str, statement: str) -> int:
    if not change.execute("SELECT 1 FROM sqlite_master WHERE name = ?", name).fetchone():
        change.execute(statement)
    quoted = '"' + name.replace('"', '""') + '"'
    count = 0
    try:
        rows = old.execute(f"SELECT * FROM {quoted}")
        columns = [str(one[0]) for one in rows.description]
        insert = f"INSERT OR IGNORE INTO {quoted} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        for row in rows:
            change.execute(insert, *row)
            count += 1
    except sqlite3.DatabaseError:
        pass
    return count
