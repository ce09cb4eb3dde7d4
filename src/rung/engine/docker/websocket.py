"""``attach/ws``: a container's streams through a websocket, for clients that have no other way (browsers).

The engine stands between here: the shim knows frames of its own only, so each client is a connection of the engine's to
the shim, and what comes is put in frames (binary since 1.28, text before, as with Docker). All output is one stream.
"""

from __future__ import annotations

import asyncio

from rung import jsonc
from rung.engine import states
from rung.engine.docker.answers import Hijacked
from rung.engine.docker.attach import detach_keys, hand_over
from rung.engine.errors import Conflict
from rung.http1.websocket import (
    BINARY,
    FAILED,
    NORMAL,
    PONG,
    TEXT,
    Broken,
    Close,
    Frames,
    Piece,
    close,
    frame,
    handshake,
)
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.docker.server import Link
    from rung.engine.engine import Engine

_CHUNK = 1 << 16


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def attach(call: Call) -> Hijacked:
        container = engine.containers.get(call.words["id"])
        about(container.id)
        if container.state.status == states.PAUSED:
            raise Conflict(f"container {container.id} is paused, unpause the container before attach")
        wants, lines = _wants(call, container), handshake(call.request)
        opcode = TEXT if call.before(1, 28) else BINARY
        history, streams = call.flag("logs"), call.flag("stream")

        async def take(link: Link, early: bytes) -> None:
            engine.events.tell("container", "attach", container.id, container.attributes())
            if history:
                await _history(engine, container, link, opcode)
            if streams:
                await _between(engine, container, link, early, (wants, opcode))
            elif link.transport is not None:
                link.transport.write(close(NORMAL))

        return Hijacked(take, lines=lines)

    return {"GET /containers/{id}/attach/ws": attach}


def _wants(call: Call, container: Container) -> dict[str, Any]:
    """``Wants`` of the shim (``shim/stdio/client.py``)."""
    return {
        "stdin": call.flag("stdin") and bool(container.config.get("OpenStdin")),
        "stdout": call.flag("stdout"),
        "stderr": call.flag("stderr"),
        "detach": detach_keys(call.query.get("detachKeys"), container.terminal).hex(),
        "framed": False,
    }


async def _history(engine: Engine, container: Container, link: Link, opcode: int) -> None:
    from rung.engine.logs import read

    async for piece in read(engine, container.id, terminal=True):
        if piece:
            await link.send(frame(opcode, piece))


async def _between(
    engine: Engine, container: Container, link: Link, early: bytes, how: tuple[dict[str, Any], int]
) -> None:
    """Until one side has said all. A container that does not run yet is waited for."""
    wants, opcode = how
    joined = asyncio.get_running_loop().create_future()

    async def join(path: str) -> None:
        if not joined.done():  # the connection is made before the container's first instruction
            joined.set_result(await hand_over(path, jsonc.dumps(wants).encode()) if path else None)

    if container.id in engine.running:
        await join(engine.places.attach(container.id))
    else:
        engine.join_early(container.id, join)
    shim = await joined
    if shim is None:
        return
    reader, writer = await asyncio.open_unix_connection(sock=shim)
    output = asyncio.ensure_future(_out(reader, link, opcode))
    inward = asyncio.ensure_future(_in(link, early, writer))
    try:
        await asyncio.wait((output, inward), return_when=asyncio.FIRST_COMPLETED)
        code = inward.result() if inward.done() else NORMAL
    finally:
        output.cancel()
        inward.cancel()
        writer.close()
    if link.transport is not None:
        link.transport.write(close(code))


async def _out(reader: asyncio.StreamReader, link: Link, opcode: int) -> None:
    while data := await reader.read(_CHUNK):
        if link.transport is None:
            return
        # A text frame is UTF-8, and a container's output need not be.
        text = data.decode("utf-8", "replace").encode() if opcode == TEXT else data
        await link.send(frame(opcode, text))


async def _in(link: Link, data: bytes, writer: asyncio.StreamWriter) -> int:
    """Up to the client's end: the code to close with."""
    frames = Frames()
    try:
        while True:
            for event in frames.feed(data):
                if isinstance(event, Close):
                    return event.code
                if isinstance(event, Piece):
                    writer.write(event.data)
                    await writer.drain()
                else:
                    await link.send(frame(PONG, event.data))
            data = await link.more()
            if not data:
                return NORMAL
    except Broken as error:
        return error.code
    except ConnectionError:  # the container takes no input any more
        return FAILED
