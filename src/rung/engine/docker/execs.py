"""``/exec``: one more process in a container."""

from __future__ import annotations

from rung.engine import execs
from rung.engine.docker.answers import Answer, Hijacked, document, empty
from rung.engine.docker.attach import RAW, Given, detach_keys, head_is_read, kind_of
from rung.engine.docker.bodies import EXEC, EXEC_START
from rung.engine.errors import BadParameter, Conflict, EngineError
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.docker.server import Link
    from rung.engine.engine import Engine
    from rung.engine.execs import Exec


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def create(call: Call) -> Answer:
        asked = await call.document(EXEC) or {}
        if not asked.get("Cmd"):
            raise BadParameter("No exec command specified")
        try:
            detach_keys(asked.get("DetachKeys"), terminal=True)
        except BadParameter:
            raise EngineError(f"Invalid escape keys ({asked['DetachKeys']}) provided") from None
        container = engine.containers.get(call.words["id"])
        made = execs.create(engine, container, asked)
        return document({"Id": made.id}, 201)

    async def start(call: Call) -> Answer | Hijacked:
        asked = await call.document(EXEC_START) or {}
        one = execs.find(engine, call.words["id"])
        about(one.container.id)
        rows, columns = asked.get("ConsoleSize") or (0, 0)
        if one.started:
            raise Conflict(f"Error: Exec command {one.id} has already run")
        if asked.get("Detach"):
            await execs.start(engine, one, (rows, columns), None)
            return empty(200)
        framed = not asked.get("Tty")  # of the stream: the process has a terminal if it was created with one

        async def take(link: Link, early: bytes) -> None:
            given = Given(link, {**_wants(one), "framed": framed}, early)

            async def join(path: str) -> None:
                await head_is_read(link)
                await given.join(path)

            try:
                await execs.start(engine, one, (rows, columns), join)
            except Exception as error:  # noqa: BLE001 - the head is out: it is said in the stream, as Docker does
                given.say(str(error), framed=framed)

        upgraded = bool(call.request.get("upgrade"))
        return Hijacked(take, kind_of(call, not framed) if upgraded else RAW, said=True)

    async def inspect(call: Call) -> Answer:
        one = execs.find(engine, call.words["id"])
        await execs.refresh(engine, one)
        return document(view(one))

    async def resize(call: Call) -> Answer:
        height, width = call.needed_number("h"), call.needed_number("w")
        one = execs.find(engine, call.words["id"])
        running = engine.running.get(one.container.id)
        if running is None:
            raise Conflict(f"container {one.container.id} is not running")
        if not one.started:  # Docker waits ten seconds for that first
            raise EngineError("timeout waiting for exec session ready")
        if not one.running:
            raise Conflict(f"exec {one.id} is not running")
        await running.client.call("ResizePty", id=one.container.id, exec_id=one.id, width=width, height=height)
        return empty(200)

    return {
        "POST /containers/{id}/exec": create,
        "POST /exec/{id}/start": start,
        "POST /exec/{id}/resize": resize,
        "GET /exec/{id}/json": inspect,
    }


def _wants(one: Exec) -> dict[str, Any]:
    asked = one.asked
    return {
        "stdin": bool(asked.get("AttachStdin")),
        "stdout": bool(asked.get("AttachStdout")),
        "stderr": bool(asked.get("AttachStderr")),
        "detach": detach_keys(asked.get("DetachKeys"), one.terminal).hex(),
    }


def view(one: Exec) -> dict[str, Any]:
    """``/exec/ID/json``."""
    asked = one.asked
    argv = list(asked.get("Cmd") or ())
    return {
        "ID": one.id,
        "Running": one.running,
        "ExitCode": one.exit_code,
        "ProcessConfig": {
            "tty": one.terminal,
            "entrypoint": argv[0] if argv else "",
            "arguments": argv[1:],
            "privileged": bool(asked.get("Privileged")),
            **({"user": asked["User"]} if asked.get("User") else {}),
        },
        "OpenStdin": bool(asked.get("AttachStdin")),
        "OpenStderr": bool(asked.get("AttachStderr")),
        "OpenStdout": bool(asked.get("AttachStdout")),
        "CanRemove": False,
        "ContainerID": one.container.id,
        "DetachKeys": asked.get("DetachKeys") or "",
        "Pid": one.pid,
    }
