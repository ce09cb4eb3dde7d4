"""What a shim tells of itself, for ``rung explain``: spans in a file of the directory that the engine names.

Rule: a request is answered first, then its span is written. Where no directory is named (under containerd) nothing is
recorded. What was asked for by whom stands in the call's metadata, as containerd's own clients have it
(``traceparent``).
"""

from __future__ import annotations

from time import monotonic_ns

from rung import jsonc, posix
from rung.trace.spans import SHIM, Node
from rung.trace.w3c import PARENT, Context, fresh, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.spec.shim.ttrpc import Pair

#: A container that is entered for ever tells of the first so many calls.
LIMIT = 200


class Story:
    """One shim's. ``header``: the ``traceparent`` of who began it."""

    def __init__(self, directory: str = "", header: str = "") -> None:
        self.directory = directory
        self._header = header
        self._rows: list[Node] = []
        self._left = LIMIT
        self._began_ns = monotonic_ns()

    def has_begun(self) -> None:
        """It serves now."""
        span = self.span("begin the shim", str(posix.getpid()), self._header)
        span.began_ns = self._began_ns
        span.end(None)

    def span(self, what: str, object: str, header: str) -> Span:
        """Something begins."""
        wanted = bool(self.directory) and self._left > 0
        return Span(self, what, object, parse(header) if wanted else None)

    def add(self, node: Node) -> None:
        """Keep it until ``save``."""
        self._left -= 1
        self._rows.append(node)

    def save(self) -> None:
        """Write down what has been kept. The engine may have taken the directory away: then nobody wants it."""
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        data = b"".join(jsonc.dumps(node.row()).encode() + b"\n" for node in rows)
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
        try:
            posix.makedirs(self.directory, 0o700, exist_ok=True)
            fd = posix.open(f"{self.directory}/shim", flags, 0o600)
        except OSError:
            return
        try:
            posix.write(fd, data)
        except OSError:
            return  # a full disk costs the story, not the container
        finally:
            posix.close(fd)


class Span:
    """One thing that the shim does."""

    def __init__(self, story: Story, what: str, object: str, parent: Context | None) -> None:
        self._story, self._what, self._object, self._parent = story, what, object, parent
        self._span_id = fresh() if parent is not None else ""
        self.began_ns = monotonic_ns()

    @property
    def header(self) -> str:
        """For who does a part of it; empty where nothing is recorded."""
        return Context(self._parent.trace_id, self._span_id).header if self._parent is not None else ""

    def end(self, error: BaseException | None) -> None:
        """It has come to something."""
        if self._parent is None:
            return
        failed = "" if error is None else str(error) or type(error).__name__
        node = Node(
            *(SHIM, self._parent.trace_id, self._span_id, self._parent.span_id, self._what, self._object),
            *("containerd: shim.proto", self.began_ns, monotonic_ns(), failed),
        )
        self._story.add(node)


def sent(metadata: Iterable[Pair]) -> str:
    """The ``traceparent`` of a call."""
    return next((pair.value for pair in metadata if pair.key == PARENT), "")
