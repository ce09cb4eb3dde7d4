"""A ttrpc client on asyncio: calls to one shim, answered in any order."""

from __future__ import annotations

import asyncio

from rung.engine.errors import EngineError, StalledError
from rung.spec.shim import task, ttrpc
from rung.trace.spans import context, step
from rung.trace.w3c import PARENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.protobuf import Message


#: Seconds that a shim may take to answer. A method that is not here answers when it answers: ``Wait`` at an end, and
#: ``Checkpoint`` and ``Create`` from one take as long as the container's memory takes to be written and read.
DEADLINES_S = {
    "Create": 150.0,  # hooks, and another runtime's program, which has ``RUNTIME_S`` itself
    "Start": 150.0,
    "Delete": 150.0,
    "Exec": 30.0,
    "Pause": 60.0,
    "Resume": 60.0,
    "Update": 60.0,
    "Kill": 15.0,
    "Pids": 30.0,
    "Stats": 30.0,
    "State": 15.0,
    "Connect": 15.0,
    "CloseIO": 15.0,
    "ResizePty": 15.0,
    "Shutdown": 15.0,
}
CONNECT_S = 10.0


class ShimGone(EngineError):
    """The shim has hung up, or is not there."""


class ShimStalled(StalledError):
    """The shim has not answered in time."""


class ShimRefused(EngineError):
    """The shim's answer is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Client(asyncio.Protocol):
    """One connection. ``connect`` makes it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._frames = ttrpc.Frames()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._stream = -1

    # --- asyncio's ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for stream, _, message in self._frames.feed(data):
                waiting = self._waiting.pop(stream, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        except ttrpc.BadFrame:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(ShimGone("the container's shim has gone"))

    # --- calls -------------------------------------------------------------------------

    async def call(self, method: str, **fields: Any) -> Any:
        """A method of the Task service; its answer. Raises ``ShimRefused``, ``ShimGone``, ``ShimStalled``."""
        asked, answered = task.METHODS[method]
        deadline_s = None if fields.get("checkpoint") else DEADLINES_S.get(method)
        with step("ask the shim:", method):
            try:
                async with asyncio.timeout(deadline_s):
                    payload = await self.send(task.SERVICES[0], method, asked(**fields))
            except TimeoutError:
                raise ShimStalled(
                    f"the container's shim has not answered {method} within {deadline_s:g} s: it is stopped, or waits "
                    "for a file system or a runtime that does not answer; docker rm -f ends it"
                ) from None
        return answered.decode(payload)

    async def send(self, service: str, method: str, message: Message) -> bytes:
        """Any method's payload."""
        if self._transport is None:
            raise ShimGone("the container's shim has gone")
        self._stream += 2
        stream = self._stream
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[stream] = future
        header = context()
        metadata = [ttrpc.Pair(key=PARENT, value=header)] if header else []
        request = ttrpc.Request(service=service, method=method, payload=message.encode(), metadata=metadata)
        self._transport.write(ttrpc.frame(stream, ttrpc.REQUEST, request.encode()))
        try:
            return ttrpc.payload_of(await future)
        except ttrpc.RemoteError as error:
            raise ShimRefused(error.code, str(error)) from None
        finally:
            self._waiting.pop(stream, None)

    @property
    def is_connected(self) -> bool:
        """Whether the shim has not hung up."""
        return self._transport is not None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def connect(path: str) -> Client:
    """A connection to the shim that listens at ``path``. Raises ``ShimGone``, ``ShimStalled``."""
    try:
        async with asyncio.timeout(CONNECT_S):
            _, client = await asyncio.get_running_loop().create_unix_connection(Client, path)
    except TimeoutError:
        raise ShimStalled(f"the shim at {path} has not accepted a connection within {CONNECT_S:g} s") from None
    except OSError as error:
        raise ShimGone(f"no shim listens at {path}: {error.strerror}") from None
    return client


async def has_ended(client: Client, container_id: str) -> bool:
    """Whether a container has just ended and the engine is about to learn of it: its shim says so, or is gone."""
    try:
        found = await client.call("State", id=container_id)
    except ShimGone:
        return True
    except ShimRefused as error:
        return error.code == ttrpc.NOT_FOUND
    return bool(found.status == task.STOPPED)
