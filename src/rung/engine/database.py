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

KINDS = ("container", "network", "volume")
_VERSION = 1


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
        self._connection = sqlite3.connect(os.path.join(directory, "engine.db"), isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        for kind in KINDS:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {kind} (id TEXT PRIMARY KEY, document TEXT NOT NULL)")
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    def save(self, kind: str, id: str, document: dict[str, Any]) -> None:
        """Write a thing down, or anew."""
        self._connection.execute(f"INSERT OR REPLACE INTO {_known(kind)} VALUES (?, ?)", (id, jsonc.dumps(document)))

    def remove(self, kind: str, id: str) -> None:
        """Forget it."""
        self._connection.execute(f"DELETE FROM {_known(kind)} WHERE id = ?", (id,))

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every thing of a kind."""
        for (text,) in self._connection.execute(f"SELECT document FROM {_known(kind)}").fetchall():
            yield jsonc.loads(text)

    def close(self) -> None:
        """Nothing more is written; another engine may come."""
        self._connection.close()
        os.close(self._lock)


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(kind)
    return kind
