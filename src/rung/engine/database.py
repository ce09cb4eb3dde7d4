"""What the engine must still know after it was killed: SQLite, a table a kind of thing, a document a row.

Rule: a change is acknowledged to a client after it is here. One process writes (it holds ``engine.lock``).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3

from rung import jsonc
from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

KINDS = ("container", "network", "volume", "lease")
#: 2: leases, and the names of those that own containers, networks and volumes.
_VERSION = 2


class Database:
    """Opened at ``directory``; made where it is not there. Raises ``EngineError`` where another engine has it."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, mode=0o710, exist_ok=True)
        self._lock = os.open(os.path.join(directory, "engine.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise EngineError(f"another engine runs on {directory}: stop it, or choose another --data-root") from None
        self._path = os.path.join(directory, "engine.db")
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            os.close(self._lock)
            raise self._damaged(error) if _is_damage(error) else self._failed("open", error) from None
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > _VERSION:
            raise EngineError(f"{self._path} is of a newer Rung (version {found}, not {_VERSION}): run that one")
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(said)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for kind in KINDS:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {kind} (id TEXT PRIMARY KEY, document TEXT NOT NULL)")
        if found < _VERSION:
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        return connection

    def _damaged(self, what: object) -> EngineError:
        """It is never made anew by itself: containers that run would be nobody's."""
        return EngineError(
            f"{self._path} is damaged ({what}): put a copy of it back, or move it away and begin without containers, "
            "networks and volumes (their files stay)"
        )

    def _failed(self, what: str, error: sqlite3.Error) -> EngineError:
        return EngineError(f"cannot {what} {self._path}: {error}")

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Raises ``EngineError``: a full disk, one that can only be read."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed("write to" if statement[:6] != "SELECT" else "read", error) from None

    def save(self, kind: str, id: str, document: dict[str, Any]) -> None:
        """Write a thing down, or anew."""
        self._execute(f"INSERT OR REPLACE INTO {_known(kind)} VALUES (?, ?)", id, jsonc.dumps(document))

    def remove(self, kind: str, id: str) -> None:
        """Forget it."""
        self._execute(f"DELETE FROM {_known(kind)} WHERE id = ?", id)

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every thing of a kind. Raises ``EngineError``."""
        for key, text in self._execute(f"SELECT id, document FROM {_known(kind)}").fetchall():
            try:
                found = jsonc.loads(text)
            except (ValueError, TypeError) as error:
                raise self._damaged(f"{kind} {key}: {error}") from None
            if not isinstance(found, dict):
                raise self._damaged(f"{kind} {key} is no object")
            yield found

    def close(self) -> None:
        """Nothing more is written; another engine may come."""
        self._connection.close()
        os.close(self._lock)


def _is_damage(error: sqlite3.Error) -> bool:
    """What a disk that is full, locked or not to be written on does not say."""
    return not isinstance(error, sqlite3.OperationalError) or "malformed" in str(error)


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(kind)
    return kind
