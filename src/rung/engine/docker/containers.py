"""``/containers``: create, list, inspect, and what is done to one."""

from __future__ import annotations

from rung.engine import states
from rung.engine.docker import views
from rung.engine.docker.answers import Answer, Streamed, document, empty
from rung.engine.docker.filters import chosen
from rung.engine.errors import BadParameter, Conflict, NotFound
from rung.engine.lifecycle.create import create
from rung.engine.lifecycle.remove import remove
from rung.engine.lifecycle.start import start
from rung.engine.lifecycle.stop import kill, pause, restart, stop, unpause
from rung.engine.waiting import NEXT_EXIT, NOT_RUNNING, REMOVED, Outcome
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.routes import Table
    from rung.engine.docker.server import Call
    from rung.engine.engine import Engine


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    def get(call: Call) -> Container:
        return engine.containers.get(call.words["id"])

    async def create_one(call: Call) -> Answer:
        made, warnings = await create(engine, call.query.get("name", ""), await call.document())
        return document({"Id": made.id, "Warnings": warnings}, 201)

    async def list_them(call: Call) -> Answer:
        limit = call.number("limit", 0) or 0
        found = chosen(engine, call.filters(), all=call.flag("all") or limit > 0)
        return document([summary(engine, one) for one in (found[:limit] if limit > 0 else found)])

    async def inspect(call: Call) -> Answer:
        return document(inspection(engine, get(call)))

    async def start_one(call: Call) -> Answer:
        await start(engine, get(call))
        return empty()

    async def stop_one(call: Call) -> Answer:
        await stop(engine, get(call), call.number("t"), call.query.get("signal", ""))
        return empty()

    async def restart_one(call: Call) -> Answer:
        await restart(engine, get(call), call.number("t"), call.query.get("signal", ""))
        return empty()

    async def kill_one(call: Call) -> Answer:
        await kill(engine, get(call), call.query.get("signal") or "SIGKILL")
        return empty()

    async def pause_one(call: Call) -> Answer:
        await pause(engine, get(call))
        return empty()

    async def unpause_one(call: Call) -> Answer:
        await unpause(engine, get(call))
        return empty()

    async def rename(call: Call) -> Answer:
        container, name = get(call), call.query.get("name", "")
        if not name:
            raise BadParameter("Neither old nor new names may be empty")
        before = container.name
        engine.containers.rename(container, name.removeprefix("/"))
        engine.events.tell("container", "rename", container.id, {**container.attributes(), "oldName": f"/{before}"})
        return empty()

    async def remove_one(call: Call) -> Answer:
        await remove(engine, get(call), force=call.flag("force"), volumes=call.flag("v"))
        return empty()

    async def remove_link(call: Call) -> Answer:
        """``docker rm --link``: the name that a container has for another one."""
        container, alias = get(call), call.words["alias"]
        links = container.host.get("Links") or []
        kept = [word for word in links if word.rpartition(":")[2].rpartition("/")[2] != alias]
        if not call.flag("link") or len(kept) == len(links):
            raise NotFound(f"No such link: /{container.name}/{alias}")
        container.host["Links"] = kept
        engine.containers.save(container)
        return empty()

    async def wait(call: Call) -> Streamed:
        condition = call.query.get("condition") or NOT_RUNNING
        if condition not in (NEXT_EXIT, NOT_RUNNING, REMOVED):
            raise BadParameter(f"invalid condition: {condition!r}".replace("'", '"'))
        container = get(call)
        about(container.id)
        return Streamed(_wait(engine, container, condition))

    async def resize(call: Call) -> Answer:
        container = get(call)
        running = engine.running.get(container.id)
        if running is None:
            raise Conflict(f"container {container.id} is not running")
        height, width = call.number("h", 0) or 0, call.number("w", 0) or 0
        await running.client.call("ResizePty", id=container.id, width=width, height=height)
        return empty(200)

    return {
        "POST /containers/create": create_one,
        "GET /containers/json": list_them,
        "GET /containers/{id}/json": inspect,
        "POST /containers/{id}/start": start_one,
        "POST /containers/{id}/stop": stop_one,
        "POST /containers/{id}/restart": restart_one,
        "POST /containers/{id}/kill": kill_one,
        "POST /containers/{id}/pause": pause_one,
        "POST /containers/{id}/unpause": unpause_one,
        "POST /containers/{id}/rename": rename,
        "POST /containers/{id}/wait": wait,
        "POST /containers/{id}/resize": resize,
        "DELETE /containers/{id}": remove_one,
        "DELETE /containers/{id}/{alias}": remove_link,
    }


async def _wait(engine: Engine, container: Container, condition: str) -> AsyncIterator[bytes]:
    """The head goes out at once: a client starts the container when it has seen it."""
    from rung import jsonc

    over = condition == NOT_RUNNING and container.state.status in (states.CREATED, states.EXITED, states.DEAD)
    future = engine.waiting(container.id).future(condition)
    if over:
        future.set_result(Outcome(container.state.exit_code))
    yield b""
    outcome = await future
    found: dict[str, Any] = {"StatusCode": outcome.exit_code}
    if outcome.error:
        found["Error"] = {"Message": outcome.error}
    yield jsonc.dumps(found).encode() + b"\n"


def summary(engine: Engine, container: Container) -> dict[str, Any]:
    """An entry of the list."""
    return views.summary(container, views.endpoints(container), views.ports(container))


def inspection(engine: Engine, container: Container) -> dict[str, Any]:
    """All of one."""
    running = engine.running.get(container.id)
    execs = sorted(running.execs) if running is not None else []
    return views.inspection(container, engine.places, views.network_settings(container), execs)
