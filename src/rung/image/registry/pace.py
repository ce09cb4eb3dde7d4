"""How fast bytes must come or go: patience that ends.

Rule: there is no time limit on a whole blob. Silence, trickling and (for documents)
lateness are ``TimeoutError``.
"""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.registry.limits import Limits

#: How long one wait for the socket is, so that rates are seen and a transfer can be given up.
SLICE_S = 1.0


class Pace:
    """One exchange's: ``total_s`` for all of it, or a least rate."""

    def __init__(self, limits: Limits, total_s: float | None = None) -> None:
        self._limits = limits
        now = monotonic()
        self._end = None if total_s is None else now + total_s
        self._last = now
        self._window_end = now + limits.window_s
        self._window_bytes = 0

    def rest(self) -> None:
        """Bytes are awaited again: the time since the last ones came was ours, and does not count."""
        now = monotonic()
        self._window_end += now - self._last
        self._last = now

    def slice_s(self) -> float:
        """How long to wait for the next bytes before asking again. Raises ``Cancelled``."""
        self._limits.cancellation.check()
        now = monotonic()
        if now - self._last >= self._limits.idle_s:
            raise TimeoutError("has fallen silent")
        left = self._limits.idle_s - (now - self._last)
        if self._end is not None:
            if now >= self._end:
                raise TimeoutError("the answer takes too long")
            left = min(left, self._end - now)
        elif now >= self._window_end:
            if self._window_bytes < self._limits.slowest_bytes_per_s * self._limits.window_s:
                raise TimeoutError(f"is slower than {self._limits.slowest_bytes_per_s} bytes a second")
            self._window_end, self._window_bytes = now + self._limits.window_s, 0
        return max(0.001, min(SLICE_S, left))

    def moved(self, size: int) -> None:
        """So many bytes have come or gone."""
        self._last = monotonic()
        self._window_bytes += size
