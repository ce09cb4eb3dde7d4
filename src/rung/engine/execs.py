"""One more process in a container: made, started, looked at.

The engine knows an exec while its container's run lasts; its streams are the shim's, like the container's own.
"""

from __future__ import annotations

import asyncio
import os

from rung import jsonc
from rung.engine import states
from rung.engine.document.process import Identity, exec_process
from rung.engine.errors import Conflict, EngineError, NotFound, StalledError
from rung.engine.lifecycle.start import who
from rung.engine.shims.client import has_ended
from rung.errors import RungError
from rung.spec.shim.common import Anything
from rung.spec.shim.task import PROCESS_URL, STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine
    from rung.engine.running import Running


#: How long it may take to look up its user in the container's files.
LOOK_S = 30.0
#: The status of a process that could not be run, as with Docker.
NOT_STARTED = 126


class Exec:
    """See the module. ``asked`` in Docker's words."""

    def __init__(self, container: Container, asked: Mapping[str, Any]) -> None:
        self.id = os.urandom(32).hex()
        self.container = container
        self.asked = dict(asked)
        self.started = self.running = False
        #: Set once a start has come to something, either way.
        self.settled = asyncio.Event()
        self.pid = 0
        self.exit_code: int | None = None

    @property
    def terminal(self) -> bool:
        """Whether it has one."""
        return bool(self.asked.get("Tty"))


def create(engine: Engine, container: Container, asked: Mapping[str, Any], *, told: bool = True) -> Exec:
    """Raises ``Conflict`` where the container cannot have one now."""
    running = _running(engine, container)
    exec_process(container.config, container.host, asked, Identity(), "")  # its user is looked up when it starts
    made = Exec(container, asked)
    running.execs[made.id] = made
    engine.execs[made.id] = made
    if told:
        said = f"exec_create: {' '.join(asked.get('Cmd') or ())}"
        engine.events.tell("container", said, container.id, {**container.attributes(), "execID": made.id})
    return made


def _running(engine: Engine, container: Container) -> Running:
    running = engine.running.get(container.id)
    if running is None:
        raise Conflict(f"container {container.id} is not running")
    if container.state.status == states.PAUSED:
        raise Conflict(f"Container {container.id} is paused, unpause the container before exec")
    return running


def find(engine: Engine, exec_id: str) -> Exec:
    """Raises ``NotFound``."""
    found: Exec | None = engine.execs.get(exec_id)
    if found is None:
        raise NotFound(f"No such exec instance: {exec_id}")
    return found


def who_of(engine: Engine, container: Container, asked: Mapping[str, Any]) -> Any:
    """The user, as numbers."""
    rootfs = f"{engine.places.bundle(container.id)}/rootfs"
    return who(container, rootfs, str(asked.get("User") or ""))


async def start(
    engine: Engine, one: Exec, size: tuple[int, int], join: Callable[[str], Awaitable[None]] | None
) -> None:
    """Run it. ``join`` gets the path of its streams before it starts; ``size`` is the terminal's, rows and columns."""
    container = one.container
    if one.started:
        raise Conflict(f"exec {one.id} has already run")
    running = _running(engine, container)
    hostname = str(container.config.get("Hostname") or "")
    try:
        identity = await engine.threads.apart(
            f"the files of container {container.name}", who_of, engine, container, one.asked, deadline_s=LOOK_S
        )
    except RungError as error:
        one.started, one.exit_code = True, NOT_STARTED
        one.settled.set()
        raise EngineError(str(error)) from None
    process = exec_process(container.config, container.host, one.asked, identity, hostname)
    if one.terminal and all(size):
        process["consoleSize"] = {"height": size[0], "width": size[1]}
    one.started = one.running = True
    place = engine.places.attach(container.id, one.id)
    stdin = "?stdin=once" if one.asked.get("AttachStdin") else ""
    spec = Anything(type_url=PROCESS_URL, value=jsonc.dumps(process).encode())
    call = running.client.call
    streams = f"rung:{place}{stdin}"
    try:
        await call("Exec", id=container.id, exec_id=one.id, terminal=one.terminal, stdout=streams, spec=spec)
        if join is not None:
            await join(place)
        one.pid = (await call("Start", id=container.id, exec_id=one.id)).pid
    except (EngineError, OSError) as error:  # OSError: the container has ended, and its shim takes no client
        one.running, one.exit_code = False, NOT_STARTED
        one.settled.set()
        await _forget(running, one)
        if not isinstance(error, StalledError) and await has_ended(running.client, container.id):
            raise Conflict(f"container {container.id} is not running") from None
        said = "OCI runtime exec failed: exec failed: unable to start container process"
        raise EngineError(f"{said}: {error}: unknown") from None
    one.settled.set()
    said = f"exec_start: {' '.join(one.asked['Cmd'])}"
    engine.events.tell("container", said, container.id, {**container.attributes(), "execID": one.id})
    engine.later(_follow(engine, running, one), f"following exec {one.id[:12]}")


async def refresh(engine: Engine, one: Exec) -> None:
    """Know what the shim knows: a client whose stream has just ended asks for the status next."""
    running = engine.running.get(one.container.id)
    if one.started:
        await one.settled.wait()
    if not one.running or running is None:
        return
    try:
        found = await running.client.call("State", id=one.container.id, exec_id=one.id)
    except EngineError:
        return  # deleted meanwhile: who follows it has its status, or will in a moment
    if found.status == STOPPED:
        one.running, one.exit_code = False, found.exit_status


async def run(engine: Engine, container: Container, command: list[str], limit: int) -> tuple[int, str]:
    """One to its end: its status, and so many bytes of what it said. Ended where the caller is cancelled."""
    asked = {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": True}
    one = create(engine, container, asked, told=False)
    reader: asyncio.Task[bytes] | None = None
    started = asyncio.get_running_loop().create_future()

    async def join(path: str) -> None:
        started.set_result(path)

    starting = asyncio.ensure_future(start(engine, one, (0, 0), join))
    try:
        path = await asyncio.wait_for(started, None) if not starting.done() else ""
        reader = asyncio.ensure_future(_listen(path, limit))
        await starting
        said = await reader
        while one.running:
            await refresh(engine, one)
            await asyncio.sleep(0)
        return one.exit_code if one.exit_code is not None else -1, said.decode("utf-8", "replace")
    except asyncio.CancelledError:
        running = engine.running.get(container.id)
        if running is not None and one.pid:
            engine.later(_kill(running, one), f"ending exec {one.id[:12]}")
        raise
    finally:
        if reader is not None:
            reader.cancel()


async def _kill(running: Running, one: Exec) -> None:
    try:
        await running.client.call("Kill", id=one.container.id, exec_id=one.id, signal=9)
    except EngineError:
        return  # it has ended by itself


async def _listen(path: str, limit: int) -> bytes:
    """What comes out of an exec, up to its end."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(b'{"stdin": false}')
        await reader.readexactly(3)  # ok\n
        found = bytearray()
        while data := await reader.read(1 << 16):
            found += data[: max(0, limit - len(found))]
        return bytes(found)
    finally:
        writer.close()


async def _follow(engine: Engine, running: Running, one: Exec) -> None:
    try:
        found = await running.client.call("Wait", id=one.container.id, exec_id=one.id)
        one.exit_code = found.exit_status
    except EngineError:
        one.exit_code = 137
    one.running, one.pid = False, 0
    attributes = {**one.container.attributes(), "execID": one.id, "exitCode": str(one.exit_code)}
    engine.events.tell("container", "exec_die", one.container.id, attributes)
    await _forget(running, one)


async def _forget(running: Running, one: Exec) -> None:
    try:
        await running.client.call("Delete", id=one.container.id, exec_id=one.id)
    except EngineError:
        return  # its container has gone, and it with that
