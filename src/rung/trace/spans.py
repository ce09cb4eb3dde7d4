"""Spans with ids of their own: what crosses processes, and what asyncio does at the same time.

A request is a ``Root``; what is done for it are ``step``s, found through a context variable, so that no function hands
a trace on. Nothing is recorded where no root is current: a step costs a look then. A root that nobody says to be
``about`` something is dropped when it ends.
"""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic_ns

from rung.record import Record
from rung.trace.w3c import Context, fresh

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

#: Who did it: the rungs of the ladder as far as a container's start goes.
CLIENT, API, ENGINE, SHIM, RUNTIME, INIT = "client", "api", "engine", "shim", "runtime", "init"


class Node(Record):
    """One thing that was done. Times are CLOCK_MONOTONIC nanoseconds; ``ended_ns`` 0: it was never seen to end."""

    layer: str
    trace_id: str
    span_id: str
    parent_id: str
    what: str
    object: str
    clause: str
    began_ns: int
    ended_ns: int
    failed: str = ""

    def row(self) -> list[Any]:
        """As files have it."""
        return list(self.__dict__.values())


class Root:
    """A request, while it is answered."""

    def __init__(self, what: str, sent: Context | None) -> None:
        self.what, self.sent = what, sent
        self.layer = API
        self.span_id = fresh()
        self.trace_id = sent.trace_id if sent is not None else ""
        self.parent_id = sent.span_id if sent is not None else ""
        self.object = self.failed = ""
        self.subject = ""
        self.ended: list[Node] = []
        self.began_ns = monotonic_ns()

    def about(self, subject: str) -> None:
        """It concerns this container (an id of 64 hex digits): whose trace it is where the client sent none."""
        if not self.subject:
            self.subject = subject
            if self.sent is None:
                self.trace_id, self.parent_id = own_trace(subject)

    def close(self) -> None:
        """It is over."""
        node = Node(
            *(self.layer, self.trace_id, self.span_id, self.parent_id, self.what, self.object, ""),
            *(self.began_ns, monotonic_ns(), self.failed),
        )
        self.ended.append(node)


def own_trace(container_id: str) -> tuple[str, str]:
    """The trace of a container whose clients send none, and the span that stands for them: parts of its id, which is
    random, so that nothing has to be kept."""
    return container_id[:32], container_id[32:48]


#: The root and the span that what is done now belongs to.
_CURRENT: ContextVar[tuple[Root, str] | None] = ContextVar("rung-trace", default=None)


def enter(root: Root) -> None:
    """What is done from now on, in this task, is done for ``root``."""
    _CURRENT.set((root, root.span_id))


def leave() -> None:
    """And no longer."""
    _CURRENT.set(None)


def about(subject: str) -> None:
    """What is done now concerns this container."""
    current = _CURRENT.get()
    if current is not None:
        current[0].about(subject)


def failed(said: str) -> None:
    """The request that is answered now is refused."""
    current = _CURRENT.get()
    if current is not None:
        current[0].failed = said


def context() -> str:
    """The ``traceparent`` for somebody who is asked to do a part of it; empty where nothing is recorded."""
    current = _CURRENT.get()
    if current is None or not current[0].subject:
        return ""
    return Context(current[0].trace_id, current[1]).header


def step(what: str, object: str = "", clause: str = "") -> _Step:
    """A part of what is done now: ``with step("mount the root file system", path):``."""
    return _Step(what, object, clause)


class _Step:
    __slots__ = ("_began", "_clause", "_current", "_object", "_span_id", "_what")

    def __init__(self, what: str, object: str, clause: str) -> None:
        self._what, self._object, self._clause = what, object, clause

    def __enter__(self) -> None:
        self._current = current = _CURRENT.get()
        if current is not None:
            self._span_id = fresh()
            _CURRENT.set((current[0], self._span_id))
            self._began = monotonic_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        current = self._current
        if current is None:
            return
        root, parent_id = current
        _CURRENT.set(current)
        failed = "" if error is None else str(error) or type(error).__name__
        times = (self._began, monotonic_ns())
        node = Node(
            *(ENGINE, root.trace_id, self._span_id, parent_id, self._what, self._object, self._clause),
            *(*times, failed),
        )
        root.ended.append(node)
