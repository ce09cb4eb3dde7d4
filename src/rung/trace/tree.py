"""Spans of several processes as one tree, and as text. Pure.

A span whose parent is not there (it was not recorded, or has not ended) is a root. The same span may have been told
several times, each time with a later end: a client is, with each of its requests.
"""

from __future__ import annotations

from rung.trace.spans import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH = 96


def whole(nodes: Iterable[Node]) -> list[Node]:
    """Each span once, from the first beginning to the last end, in the order they began."""
    found: dict[str, Node] = {}
    for node in nodes:
        known = found.get(node.span_id)
        if known is not None:
            began = min(known.began_ns, node.began_ns)
            node = known.replace(began_ns=began, ended_ns=max(known.ended_ns, node.ended_ns))
        found[node.span_id] = node
    return sorted(found.values(), key=lambda node: node.began_ns)


def walk(nodes: Iterable[Node]) -> Iterator[tuple[int, Node]]:
    """``(depth, span)``, parents before their children, siblings in the order they began."""
    ordered = whole(nodes)
    known = {node.span_id for node in ordered}
    children: dict[str, list[Node]] = {}
    for node in ordered:
        children.setdefault(node.parent_id if node.parent_id in known else "", []).append(node)
    waiting = [(0, node) for node in reversed(children.pop("", []))]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        waiting += [(depth + 1, child) for child in reversed(children.pop(node.span_id, []))]


def render(nodes: Iterable[Node]) -> str:
    """When it began (milliseconds after the first), how long it took (microseconds), which rung, what."""
    import re

    whole_id = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
    rows: list[tuple[str, str, str, str, str]] = []
    heads: list[str] = []
    first = 0
    for depth, node in walk(nodes):
        if node.trace_id not in heads:
            heads.append(node.trace_id)
        first = first or node.began_ns
        took = f"{(node.ended_ns - node.began_ns) / 1000:,.0f}" if node.ended_ns else "..."
        said = f"{node.what} {node.object}".rstrip() + (f": {node.failed}" if node.failed else "")
        text = "  " * depth + whole_id.sub(r"\1", said)
        rows.append((f"{(node.began_ns - first) / 1e6:,.2f}", took, node.layer, text, node.clause))
    width = min(_WIDTH, max((len(row[3]) for row in rows), default=0))
    lines = [f"trace {', '.join(heads)}", f"{'at ms':>10} {'took µs':>10}  {'rung':<8} {'what':<{width}}  clause"]
    lines += [
        f"{at:>10} {took:>10}  {layer:<8} {text:<{width}}  {clause}".rstrip() for at, took, layer, text, clause in rows
    ]
    return "\n".join(lines) + "\n"
