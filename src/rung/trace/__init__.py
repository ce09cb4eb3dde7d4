"""Spans: what every rung did, on which object, by which clause, and how long it took.

A span is one tuple in a list in memory, added when its work has ended; the owner of the
work saves the list beside what it made. Times are CLOCK_MONOTONIC nanoseconds, the clock
of rung-init's ledger, so that both read as one story.
"""

from __future__ import annotations

from time import monotonic_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

#: (depth, what, object, clause, began ns, ended ns)
Span = tuple[int, str, str, str, int, int]


class Trace:
    """The spans of one piece of work, in the order they ended."""

    def __init__(self, parent: str = "") -> None:
        self._ended: list[Span] = []
        self._depth = 0
        #: The ``traceparent`` of what this is done for, where another process has asked for it.
        self.parent = parent

    def span(self, what: str, object: str = "", clause: str = "") -> _Open:
        """A block to be recorded: ``with trace.span("create", id):``."""
        return _Open(self, what, object, clause)

    def take(self) -> list[Span]:
        """The spans that have ended since they were last taken."""
        taken, self._ended = self._ended, []
        return taken

    def take_batch(self) -> list[Any]:
        """The same as a document, behind the parent's header if there is one."""
        return [self.parent, *self.take()] if self.parent else [*self.take()]


class _Open:
    __slots__ = ("_began", "_clause", "_object", "_trace", "_what")

    def __init__(self, trace: Trace, what: str, object: str, clause: str) -> None:
        self._trace = trace
        self._what = what
        self._object = object
        self._clause = clause

    def __enter__(self) -> None:
        self._trace._depth += 1
        self._began = monotonic_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        ended = monotonic_ns()
        trace = self._trace
        trace._depth -= 1
        trace._ended.append((trace._depth, self._what, self._object, self._clause, self._began, ended))
