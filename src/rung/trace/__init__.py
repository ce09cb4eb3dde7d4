"""Spans: what every rung did, on which object, by which clause, and how long it took.

A span is one tuple in a list in memory; the owner of the work saves the list beside
what it made. Times are CLOCK_MONOTONIC nanoseconds, the clock of rung-init's ledger,
so that both read as one story.
"""

from __future__ import annotations

from time import monotonic_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

#: (depth, what, object, clause, began ns, ended ns); ended 0 while it lasts.
Span = tuple[int, str, str, str, int, int]


class Trace:
    """The spans of one piece of work, in the order they began."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.depth = 0

    def span(self, what: str, object: str = "", clause: str = "") -> _Open:
        """A block to be recorded: ``with trace.span("create", id):``."""
        return _Open(self, what, object, clause)

    def note(self, what: str, object: str = "", clause: str = "") -> None:
        """Something that takes no time worth naming."""
        now = monotonic_ns()
        self.spans.append((self.depth, what, object, clause, now, now))


class _Open:
    __slots__ = ("_trace", "_span", "_index")

    def __init__(self, trace: Trace, what: str, object: str, clause: str) -> None:
        self._trace = trace
        self._index = len(trace.spans)
        self._span = (trace.depth, what, object, clause, monotonic_ns(), 0)
        trace.spans.append(self._span)

    def __enter__(self) -> None:
        self._trace.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._trace.depth -= 1
        depth, what, object, clause, began, _ = self._span
        self._trace.spans[self._index] = (depth, what, object, clause, began, monotonic_ns())
