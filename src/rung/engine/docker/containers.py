"""``/containers``: create, list, inspect, and what is done to one."""

from __future__ import annotations

from rung.engine import checkpoints, states
from rung.engine.docker import views
from rung.engine.docker.answers import Answer, Streamed, document, empty
from rung.engine.docker.bodies import CONTAINER
from rung.engine.docker.filters import chosen
from rung.engine.docker.leases import lease_of
from rung.engine.errors import BadParameter, Conflict, EngineError, NotFound, NotModified
from rung.engine.lifecycle.checks import signal_of
from rung.engine.lifecycle.create import create
from rung.engine.lifecycle.remove import remove
from rung.engine.lifecycle.start import start
from rung.engine.lifecycle.stop import kill, pause, restart, stop, unpause
from rung.engine.network.endpoint import id_without
from rung.engine.waiting import NEXT_EXIT, NOT_RUNNING, REMOVED, Outcome
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine


#: What a body of a start may have: ``{}``, or ``null``.
_EMPTY_BODY = 7


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    def get(call: Call) -> Container:
        return engine.containers.get(call.words["id"])

    async def create_one(call: Call) -> Answer:
        asked = await call.document(CONTAINER, needed=True)
        if not asked or not asked.keys() - {"HostConfig", "NetworkingConfig"}:
            raise BadParameter("config cannot be empty in order to create a container")
        name, platform = call.query.get("name", ""), call.query.get("platform", "")
        lease, until_start = lease_of(engine, call)
        owner = (lease.id, until_start) if lease is not None else None
        with engine.counts.timed("create"):
            made, warnings = await create(engine, name, asked, platform, owner)
        engine.leases.settle(lease)
        return document({"Id": made.id, "Warnings": warnings}, 201)

    async def list_them(call: Call) -> Answer:
        limit = call.number("limit", 0) or 0
        found = chosen(engine, call.filters(), all=call.flag("all") or limit > 0)
        shown = [summary(engine, one) for one in (found[:limit] if limit > 0 else found)]
        if call.flag("size"):
            for one in shown:
                written, whole = await engine.threads.disk(sizes, engine, engine.containers.get(one["Id"]))
                one |= {**({"SizeRw": written} if written else {}), "SizeRootFs": whole}
        return document(shown)

    async def inspect(call: Call) -> Answer:
        container = get(call)
        found = inspection(engine, container)
        if call.flag("size"):
            found["SizeRw"], found["SizeRootFs"] = await engine.threads.disk(sizes, engine, container)
        return document(found)

    async def start_one(call: Call) -> Answer:
        if int(call.request.get("content-length") or 0) > _EMPTY_BODY:
            raise BadParameter(
                "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"
            )
        container = get(call)
        try:
            await start(engine, container, checkpoint_of(call, container))
        except (NotModified, NotFound):
            raise
        except EngineError as error:
            if container.state.exit_code in (126, 127):  # what was to be run is the request's
                raise BadParameter(str(error)) from None
            raise
        return empty()

    def checkpoint_of(call: Call, container: Container) -> str:
        name = call.query.get("checkpoint", "")
        if name and not engine.settings.experimental:
            raise BadParameter("checkpoint is only supported in experimental mode")
        given, called = call.query.get("checkpoint-dir", ""), f"/{container.name}"
        return checkpoints.find(engine, container, name, given, called=called) if name else ""

    def patience(call: Call) -> int | None:
        try:
            return call.number("t")
        except BadParameter as error:  # Docker answers this as if it were its own fault
            raise EngineError(str(error)) from None

    async def stop_one(call: Call) -> Answer:
        seconds, container, word = patience(call), get(call), call.query.get("signal", "")
        try:
            await stop(engine, container, seconds, word)
        except BadParameter as error:
            raise EngineError(f"cannot stop container: {call.words['id']}: {error}") from None
        return empty()

    async def restart_one(call: Call) -> Answer:
        await restart(engine, get(call), patience(call), call.query.get("signal", ""))
        return empty()

    async def kill_one(call: Call) -> Answer:
        word, before = call.query.get("signal") or "SIGKILL", f"cannot kill container: {call.words['id']}"
        try:
            container = get(call)
            if signal_of(word) > 64:
                raise BadParameter(f"the linux daemon does not support signal {word}")
        except NotFound as error:
            raise NotFound(f"{before}: {error}") from None
        except BadParameter as error:
            raise BadParameter(f"{before}: {error}") from None
        await kill(engine, container, word)
        return empty()

    async def pause_one(call: Call) -> Answer:
        await pause(engine, get(call))
        return empty()

    async def unpause_one(call: Call) -> Answer:
        container = get(call)
        try:
            await unpause(engine, container)
        except Conflict as error:
            raise EngineError(str(error)) from None
        return empty()

    async def rename(call: Call) -> Answer:
        container, name = get(call), call.query.get("name", "")
        if not name:
            raise BadParameter("Neither old nor new names may be empty")
        before = container.name
        if name.removeprefix("/") == before:
            raise BadParameter("Renaming a container with the same name as its current name")
        try:
            engine.containers.rename(container, name.removeprefix("/"))
        except BadParameter as error:
            raise BadParameter(
                f"Error when allocating new name: {str(error).replace('(', '(/', 1)}"
            ) from None
        except Conflict as error:
            raise Conflict(f"Error when allocating new name: {error}") from None
        engine.events.tell(
            "container", "rename", container.id, {**container.attributes(), "oldName": f"/{before}"}
        )
        return empty()

    async def remove_one(call: Call) -> Answer:
        if call.flag("link"):
            get(call)
            raise EngineError("Conflict, cannot remove the default link name of the container")
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
        height, width = call.needed_number("h"), call.needed_number("w")
        container = get(call)
        running = engine.running.get(container.id)
        if running is None:
            raise Conflict(f"container {container.id} is not running")
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
    yield jsonc.dumps(found, compact=True).encode() + b"\n"


def sizes(engine: Engine, container: Container) -> tuple[int, int]:
    """What it has written, and all of its root file system."""
    from rung.engine.docker.volumes import tree_bytes

    rootfs = engine.store.rootfs(container.id)
    written = tree_bytes(rootfs.changes) if rootfs is not None else 0
    image = engine.store.find(container.image)
    return written, written + (image.size_bytes if image is not None else 0)


def summary(engine: Engine, container: Container) -> dict[str, Any]:
    """An entry of the list."""
    return views.summary(container, _endpoints(engine, container), views.ports(container))


def _endpoints(engine: Engine, container: Container) -> dict[str, Any]:
    """With those that have no interface: on the host's network, or on none."""
    found = views.endpoints(container)
    name = container.network_mode
    if name in ("host", "none") and name in found and container.state.started_ns:
        end = id_without(container.id, name) if container.state.running else ""
        found[name] |= {"NetworkID": engine.networks.get(name).id, "EndpointID": end}
    return found


def inspection(engine: Engine, container: Container) -> dict[str, Any]:
    """All of one."""
    running = engine.running.get(container.id)
    execs = sorted(key for key, one in running.execs.items() if one.running) if running is not None else []
    settings = views.network_settings(container)
    settings["Networks"] = _endpoints(engine, container)
    return views.inspection(container, engine.places, settings, execs)
