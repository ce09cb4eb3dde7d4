"""``GET /rung/explain``: what was done for a container, by whom. Rung's own; Docker's API has nothing of the kind.

``container``: name, id or the beginning of one, of one that is gone too; the last one where none is named. ``calls``:
each system call of rung-init as well. ``format=otlp``: as OpenTelemetry has it.
"""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document
from rung.trace import otlp
from rung.trace.tree import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine


def table(engine: Engine) -> Table:
    """The endpoint of this file."""

    async def explain(call: Call) -> Answer:
        told = await engine.stories.tell(call.query.get("container", ""), calls=call.flag("calls"))
        if call.query.get("format") == "otlp":
            return document(otlp.document(told.nodes, told.epoch_ns, told.id))
        spans = [{"depth": depth, **node.__dict__} for depth, node in walk(told.nodes)]
        return document({"Id": told.id, "Name": told.name, "EpochNs": told.epoch_ns, "Spans": spans})

    return {"GET /rung/explain": explain}
