"""Leases: content held against collection while somebody works with it.

Rule: whoever relies on content that is there takes a lease on it first. Leases and collection
both need the write lock, so content cannot vanish in between. A lease ends with its process.
"""

from __future__ import annotations

import os
import time

from rung.image.store import owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from rung.image.store.metadata import Metadata


class Lease:
    """Content held against collection. Given back at the context's end or the process's."""

    def __init__(self, metadata: Metadata, purpose: str) -> None:
        self.metadata = metadata
        self.purpose = purpose
        self.id = os.urandom(8).hex()

    def __enter__(self) -> Lease:
        with self.metadata.transaction(durable=False) as change:
            values = (self.id, owner.me(), self.purpose, time.time())
            change.execute("INSERT INTO lease VALUES (?, ?, ?, ?)", *values)
        return self

    def hold(self, keys: Iterable[str]) -> None:
        """Keep these, whether they are there yet or not."""
        with self.metadata.transaction(durable=False) as change:
            for key in keys:
                change.execute("INSERT OR IGNORE INTO lease_item VALUES (?, ?)", self.id, key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.metadata.transaction(durable=False) as change:
            change.execute("DELETE FROM lease_item WHERE lease = ?", self.id)
            change.execute("DELETE FROM lease WHERE id = ?", self.id)
