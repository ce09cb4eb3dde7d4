"""What a registry may take of our time and memory, stated in one place."""

from __future__ import annotations

from rung.record import Record


class Limits(Record):
    """Times in seconds, sizes in bytes."""

    connect_s: float = 15.0
    #: No byte for so long: the registry has fallen silent.
    idle_s: float = 30.0
    #: A document (manifest, token, error) comes within this, all of it.
    document_s: float = 60.0
    #: A blob comes at ``slowest_bytes_per_s`` at least, measured over ``window_s``.
    window_s: float = 30.0
    slowest_bytes_per_s: int = 1024
    #: The distribution project's own limit for manifests.
    manifest_bytes: int = 4 << 20
    token_bytes: int = 1 << 20
    redirects: int = 5
    #: Attempts at one blob that bring less than ``worth_bytes`` each.
    attempts: int = 5
    worth_bytes: int = 1 << 20
    backoff_s: float = 0.5
    #: Longest wait that a registry may ask for with Retry-After.
    retry_after_s: float = 60.0
