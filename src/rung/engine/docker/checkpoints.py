"""``/containers/{id}/checkpoints``: with ``--experimental`` alone, as Docker has it."""

from __future__ import annotations

from rung.engine import checkpoints
from rung.engine.docker.answers import Answer, document, empty
from rung.engine.docker.bodies import CHECKPOINT
from rung.engine.errors import SwitchedOff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    def get(call: Call) -> Container:
        if not engine.settings.experimental:
            raise SwitchedOff(
                "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in "
                "order to enable it."
            )
        return engine.containers.get(call.words["id"])

    async def create(call: Call) -> Answer:
        asked = await call.document(CHECKPOINT) or {}
        container = get(call)
        name, given = asked.get("CheckpointID") or "", asked.get("CheckpointDir") or ""
        await checkpoints.create(engine, container, name, given, ends=bool(asked.get("Exit")), called=call.words["id"])
        return empty(201)

    async def list_them(call: Call) -> Answer:
        found = await engine.threads.disk(checkpoints.names, engine, get(call), call.query.get("dir", ""))
        return document([{"Name": name} for name in found] or None)

    async def remove(call: Call) -> Answer:
        container, name = get(call), call.words["checkpoint"]
        path = checkpoints.find(engine, container, name, call.query.get("dir", ""), called=call.words["id"])
        await engine.threads.disk(checkpoints.remove, path)
        return empty()

    return {
        "POST /containers/{id}/checkpoints": create,
        "GET /containers/{id}/checkpoints": list_them,
        "DELETE /containers/{id}/checkpoints/{checkpoint}": remove,
    }
