"""The story of a container: the runtime's spans and init's ledger as one tree.

Pure: bytes of the two files in, lines out. Steps hang below the span during which they
ran; with ``calls``, each step's system calls hang below it. ``nodes`` is the same as spans that hang below those of
other processes.
"""

from __future__ import annotations

from rung import jsonc
from rung.record import Record
from rung.runtime.plan import wire
from rung.runtime.plan.text import sentence
from rung.trace.spans import INIT, RUNTIME, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rung.trace.w3c import Context



class Line(Record):
    """One thing that was done. ``took_ns`` -1: it has not ended (or was never seen to)."""

    depth: int
    text: str
    clause: str
    began_ns: int
    took_ns: int


def story(plan: bytes, trace: bytes, *, calls: bool = False) -> list[Line]:
    """Everything that is recorded, in the order it began."""
    lines = [_span_line(span) for _, spans in _batches(trace) for span in spans]
    made = list(_step_lines(plan, lines, calls)) if plan else []
    return sorted([*lines, *made], key=lambda line: (line.began_ns, line.depth))


def _batches(trace: bytes) -> Iterator[tuple[str, list[Any]]]:
    """A line each: the header of who asked for it (or nothing), and its spans."""
    for line in trace.splitlines():
        spans = jsonc.loads(line)
        headed = bool(spans) and isinstance(spans[0], str)
        yield (spans[0], spans[1:]) if headed else ("", spans)


def nodes(plan: bytes, trace: bytes, *, calls: bool = False) -> list[Node]:
    """The same with ids: what was asked for by another process hangs below its span."""
    from rung.trace.w3c import Context, parse

    found: list[Node] = []
    lines: list[Line] = []
    above: list[Context] = []
    for header, spans in _batches(trace):
        parent = parse(header) or Context("", "")
        for span in spans:
            lines.append(_span_line(span))
            above.append(parent)
    whose: list[Context] = above
    told = [*lines, *(_step_lines(plan, lines, calls) if plan else ())]
    order = sorted(range(len(told)), key=lambda at: (told[at].began_ns, told[at].depth))
    path: list[Node] = []
    for at in order:
        line, layer = told[at], RUNTIME if at < len(lines) else INIT
        del path[line.depth :]
        while path and path[-1].ended_ns and path[-1].ended_ns < line.began_ns:
            path.pop()  # a span that is over has no more below it
        upper = Context(path[-1].trace_id, path[-1].span_id) if path else _first(whose, at)
        ended = line.began_ns + line.took_ns if line.took_ns >= 0 else 0
        made = Node(
            *(layer, upper.trace_id, _id(upper, at, line), upper.span_id, line.text, "", line.clause),
            *(line.began_ns, ended, ""),
        )
        found.append(made)
        path.append(made)
    return found


def _first(whose: list[Context], at: int) -> Context:
    from rung.trace.w3c import Context

    return whose[at] if at < len(whose) else whose[0] if whose else Context("", "")


def _id(upper: Context, at: int, line: Line) -> str:
    """The same whenever it is told: made from where and when it was."""
    from _blake2 import blake2b

    seed = f"{upper.trace_id} {upper.span_id} {at} {line.began_ns}"
    found: str = blake2b(seed.encode(), digest_size=8).hexdigest()
    return found


def _span_line(span: Any) -> Line:
    depth, what, subject, clause, began, ended = span
    return Line(depth, f"{what} {subject}".rstrip(), clause, began, ended - began)


def _step_lines(plan: bytes, spans: list[Line], calls: bool) -> Iterator[Line]:
    ledger = wire.read_ledger(plan, with_calls=True)
    decoded = wire.decode(plan)
    starts = [ledger.epoch_ns + offset if offset else 0 for offset in ledger.began_ns]
    for index, step in enumerate(decoded):
        if not starts[index]:
            break
        depth = _depth_at(starts[index], spans)
        took = _took(index, starts, ledger, spans)
        yield Line(depth, sentence(step), step.clause, starts[index], took)
        if calls:
            yield from _call_lines(index, ledger, depth + 1)


def _depth_at(moment: int, spans: list[Line]) -> int:
    """One deeper than the innermost span around a moment."""
    around = [s.depth for s in spans if s.began_ns <= moment <= s.began_ns + s.took_ns]
    return max(around, default=-1) + 1


def _took(index: int, starts: list[int], ledger: wire.Ledger, spans: list[Line]) -> int:
    """Until the next step began; the last one's end shows in what waited for it."""
    if index + 1 < len(starts) and starts[index + 1]:
        return starts[index + 1] - starts[index]
    ends = [s.began_ns + s.took_ns for s in spans if s.began_ns <= starts[index] < s.began_ns + s.took_ns]
    return min(ends) - starts[index] if ends else -1


def _call_lines(index: int, ledger: wire.Ledger, depth: int) -> Iterator[Line]:
    from rung.runtime.calls import call_name, errno_name

    for call in ledger.calls:
        if call.step == index:
            outcome = f"= {call.result}" if call.result >= 0 else f"= {errno_name(-call.result)}"
            yield Line(
                depth, f"{call_name(call.number)} {outcome}", "", ledger.epoch_ns + call.began_ns, call.took_ns
            )


def render(lines: list[Line]) -> str:
    """The tree as text: microseconds, what, clause. Ids of 64 digits are shown by their first 12."""
    import re

    whole_id = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
    rows = [
        (
            f"{line.took_ns / 1000:,.0f}" if line.took_ns >= 0 else "...",
            "  " * line.depth + whole_id.sub(r"\1", line.text),
            line.clause,
        )
        for line in lines
    ]
    width = min(88, max((len(text) for _, text, _ in rows), default=0))
    head = f"{'µs':>10}  {'what':<{width}}  clause"
    return "\n".join([head, *(f"{us:>10}  {text:<{width}}  {clause}".rstrip() for us, text, clause in rows)]) + "\n"
