"""What a registry may take of our time and memory, stated in one place."""

from __future__ import annotations

from rung.image.cancellation import Cancellation
from rung.record import Record

NEVER = Cancellation()


class Limits(Record):
    """Times in seconds, sizes in bytes."""

    connect_s: float = 15.0
    #: No byte for so long: the registry has fallen silent.
    idle_s: float = 30.0
    #: A document (manifest, token, error) comes within this, all of it.
    document_s: float = 60.0
    #: A blob comes and goes at ``slowest_bytes_per_s`` at least, measured over ``window_s``.
    window_s: float = 30.0
    slowest_bytes_per_s: int = 1024
    #: As large as containerd takes a manifest to be; the store holds no larger document.
    manifest_bytes: int = 8 << 20
    token_bytes: int = 1 << 20
    redirects: int = 5
    #: Attempts at one thing that bring less than ``worth_bytes`` each.
    attempts: int = 5
    worth_bytes: int = 1 << 20
    backoff_s: float = 0.5
    #: Longest wait that a registry may ask for with Retry-After.
    retry_after_s: float = 60.0
    #: Pages of a list (tags, catalogue, referrers).
    pages: int = 1000
    #: A blob is sent in pieces of so many bytes; 0: in one, unless the registry finds that too large.
    piece_bytes: int = 0
    smaller_piece_bytes: int = 16 << 20
    #: Ends every exchange, and every pause between two tries, within a second.
    cancellation: Cancellation = NEVER


def limits_with(cancellation: Cancellation | None) -> Limits:
    """The usual ones, of work that can be cancelled."""
    return Limits(cancellation=cancellation) if cancellation is not None else Limits()
