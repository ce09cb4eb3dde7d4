"""``attach``: a client's connection, given to the container's shim, so that its streams never pass the engine.

The shim writes to the very socket of the client (it gets its descriptor); a connection that cannot be given away (TLS)
is relayed. What the client sent behind its request goes along.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from rung import jsonc
from rung.engine import states
from rung.engine.docker.answers import Answer, Hijacked, refused
from rung.engine.errors import BadParameter, Conflict, EngineError, NotFound, StalledError
from rung.engine.shims.client import ShimGone
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.docker.server import Link
    from rung.engine.engine import Engine

RAW, MULTIPLEXED = "application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream"
#: ctrl-p ctrl-q
DETACH = b"\x10\x11"
#: Between an answer's head and what follows where nobody knows when the client has read it, and at most where that is
#: known; and between two looks.
HEAD_S, HEAD_AT_MOST_S, LOOK_S = 0.02, 1.0, 0.0005
#: How long a shim may take to accept a client.
JOIN_S = 10.0


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def attach(call: Call) -> Hijacked | Answer:
        try:
            return begin(call)
        except (NotFound, Conflict, BadParameter) as error:
            # Docker has taken the connection over by then, and says it there: no JSON.
            return Answer(refused(error).status, f"{error}\r\n".encode(), RAW, bare=True)

    def begin(call: Call) -> Hijacked:
        container = engine.containers.get(call.words["id"])
        about(container.id)
        if container.state.status == states.PAUSED:
            raise Conflict(f"container {container.id} is paused, unpause the container before attach")
        if container.state.status == states.RESTARTING:
            raise Conflict(f"container {container.id} is restarting, wait until the container is running")
        wants = _wants(call, container.terminal, stdin=bool(container.config.get("OpenStdin")))
        history = call.flag("logs")
        streams = call.flag("stream")
        attributes = container.attributes()

        async def take(link: Link, early: bytes) -> None:
            engine.events.tell("container", "attach", container.id, attributes)
            before = container.state.started_ns
            if history and container.state.status != states.CREATED:  # a new one has none, and may end by then
                await head_is_read(link)
                await _history(engine, container.id, container.terminal, link)
            if not streams:
                return
            connection = Given(link, wants, early)
            if container.id in engine.running:
                await connection.join(engine.places.attach(container.id))
            elif container.state.started_ns != before:
                return  # it has started and ended meanwhile: nobody waits for its next start
            else:
                engine.join_early(container.id, connection.join)
            await connection.over()

        upgraded = bool(call.request.get("upgrade"))
        return Hijacked(take, kind_of(call, container.terminal) if upgraded else RAW)

    return {"POST /containers/{id}/attach": attach}


def kind_of(call: Call, terminal: bool) -> str:
    """How a container's output is sent; before 1.42 both had one name."""
    return RAW if terminal or call.before(1, 42) else MULTIPLEXED


def _wants(call: Call, terminal: bool, *, stdin: bool) -> dict[str, Any]:
    """``Wants`` of the shim (``shim/stdio/client.py``)."""
    return {
        "stdin": call.flag("stdin") and stdin,
        "stdout": call.flag("stdout"),
        "stderr": call.flag("stderr"),
        "detach": detach_keys(call.query.get("detachKeys"), terminal).hex(),
    }


def detach_keys(text: str | None, terminal: bool) -> bytes:
    """``ctrl-p,ctrl-q`` as bytes. Raises ``BadParameter``."""
    if not text:
        return DETACH if terminal else b""
    found = bytearray()
    for word in text.split(","):
        if len(word) == 1:
            found += word.encode()
        elif word.startswith("ctrl-") and len(word) == 6 and (word[5].isalpha() or word[5] in "@[\\]^_"):
            found.append(ord(word[5].upper()) - 64)
        else:
            raise BadParameter(f"Invalid detach keys ({text}) provided: Unknown character: '{word}'")
    return bytes(found)


async def head_is_read(link: Link, at_most_s: float = HEAD_AT_MOST_S) -> None:
    """Until the client has the head of its answer. docker-py reads that through a buffer, and loses what comes in one
    piece with it: a program's whole output, where the program is quicker than the client is scheduled."""
    connection = None if link.transport is None else link.transport.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        await asyncio.sleep(HEAD_S)
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + at_most_s
    while link.transport is not None and _unread(connection) and loop.time() < deadline:
        await asyncio.sleep(LOOK_S)


def _unread(connection: socket.socket) -> int:
    """What the other side of a unix socket has not read yet (SIOCOUTQ); of TCP it would be what was not received."""
    import fcntl
    import termios

    return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


async def hand_over(path: str, message: bytes, fd: int = -1) -> socket.socket:
    """Give the shim whose streams are at ``path`` a client: the connection with that descriptor, or without one the
    connection that is returned. Raises ``StalledError`` where the shim does not answer, ``ShimGone``."""
    loop = asyncio.get_running_loop()
    to_shim = socket.socket(socket.AF_UNIX)
    to_shim.setblocking(False)
    try:
        async with asyncio.timeout(JOIN_S):
            await loop.sock_connect(to_shim, path)
            socket.send_fds(to_shim, [message], [fd] if fd >= 0 else [])
            if await loop.sock_recv(to_shim, 3) != b"ok\n":
                raise EngineError("the container's shim does not take the client")
    except TimeoutError:
        to_shim.close()
        raise StalledError(f"the container's shim has not taken the client within {JOIN_S:g} s") from None
    except OSError:
        to_shim.close()
        raise ShimGone("the container's shim has gone") from None
    except BaseException:
        to_shim.close()
        raise
    return to_shim


class Given:
    """A client's connection on its way to the shim."""

    def __init__(self, link: Link, wants: dict[str, Any], early: bytes) -> None:
        self._link = link
        self._message = jsonc.dumps({**wants, "early": early.hex()}).encode()
        self._done = asyncio.get_running_loop().create_future()

    async def join(self, path: str) -> None:
        """Give it to the shim whose streams are at ``path``; empty: there will be none. Raises ``EngineError``."""
        fd = self._link.descriptor() if path else -1
        try:
            if path:
                (await hand_over(path, self._message, fd)).close()
        finally:
            if fd >= 0:
                os.close(fd)
            if not self._done.done():
                self._done.set_result(None)

    def say(self, sentence: str, *, framed: bool) -> None:
        """Tell the client what went wrong, where its stream would be."""
        data = f"{sentence}\r\n".encode()
        if framed:
            data = b"\x01\0\0\0" + len(data).to_bytes(4, "big") + data
        if self._link.transport is not None:
            self._link.transport.write(data)

    async def over(self) -> None:
        """Until it is given away; the engine then lets go of it, and the shim alone has it."""
        while not self._done.done():
            await asyncio.wait({self._done}, timeout=1)
            if self._link.transport is None:
                return


async def _history(engine: Engine, container_id: str, terminal: bool, link: Link) -> None:
    from rung.engine.logs import read

    async for piece in read(engine, container_id, terminal=terminal):
        await link.send(piece)
