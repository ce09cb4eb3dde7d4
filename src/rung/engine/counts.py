"""What an engine has done since it began, counted for ``/metrics`` (``docker/metrics.py``)."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import contextmanager
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Upper bounds of a histogram's buckets, in seconds: those that Prometheus' clients begin with.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Actions whose time is taken: dockerd's.
CONTAINER_ACTIONS = ("changes", "commit", "create", "delete", "start")


class Histogram:
    """Times, by the bucket that each falls into; the last one has what is longer than any bound."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def take(self, time_s: float) -> None:
        """One more."""
        self.buckets[bisect_left(BUCKETS_S, time_s)] += 1
        self.sum_s += time_s


class Counts:
    """The engine's."""

    def __init__(self) -> None:
        self.containers = {action: Histogram() for action in CONTAINER_ACTIONS}
        self.health_checks = self.health_checks_failed = 0

    @contextmanager
    def timed(self, action: str) -> Iterator[None]:
        """Take the time of one of ``CONTAINER_ACTIONS``, where it succeeds."""
        began = monotonic()
        yield
        self.containers[action].take(monotonic() - began)
