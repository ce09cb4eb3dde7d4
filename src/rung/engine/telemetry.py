"""Stories as OpenTelemetry's collectors take them: to a file, or to an endpoint of OTLP/HTTP.

Rule: what cannot be delivered is dropped, and said once: no container waits for a collector.
"""

from __future__ import annotations

import sys

from rung.errors import RungError
from rung.trace import otlp
from rung.trace.spans import CLIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.engine.stories import Told
    from rung.trace.spans import Node

SEND_S = 10.0


def send_trace(data: bytes, target: str, timeout_s: float = SEND_S) -> None:
    """One OTLP/JSON document, to a file's end or a collector. Raises ``RungError``, ``OSError``."""
    if not target.startswith(("http://", "https://")):
        with open(target, "ab") as file:
            file.write(data)
        return
    from urllib.parse import urlsplit
    from urllib.request import Request, urlopen

    # The signal's path where only the collector's address is given: as OTEL_EXPORTER_OTLP_ENDPOINT has it.
    url = target if urlsplit(target).path.strip("/") else f"{target.rstrip('/')}/v1/traces"
    try:
        with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=timeout_s):
            return
    except OSError as error:
        raise RungError("send the trace to", url, str(getattr(error, "reason", error))) from None


class Export:
    """Each span of an engine's containers, once, when it has ended. Used in the engine's threads, one at a time."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._sent: dict[str, set[str]] = {}
        self._said = False

    def take(self, told: Told, *, over: bool) -> None:
        """A story that has grown. ``over``: the container is gone; what its clients did has ended with it."""
        sent = self._sent.setdefault(told.id, set())
        new = [node for node in told.nodes if _complete(node, over) and node.span_id not in sent]
        if new:
            sent.update(node.span_id for node in new)
            self._send(new, told)
        if over:
            self._sent.pop(told.id, None)

    def _send(self, nodes: Sequence[Node], told: Told) -> None:
        try:
            send_trace(otlp.line(nodes, told.epoch_ns, told.id), self._target)
        except (RungError, OSError) as error:
            if not self._said:
                print(f"rungd: traces are not exported: {error}", file=sys.stderr, flush=True)
            self._said = True


def _complete(node: Node, over: bool) -> bool:
    """A client is told of with each of its requests, and goes on until the last."""
    return bool(node.ended_ns) and (over or node.layer != CLIENT)
