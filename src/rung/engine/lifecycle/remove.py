"""Remove: the record, the files, and with force what still runs."""

from __future__ import annotations

import asyncio
import shutil

from rung.engine import states
from rung.engine.errors import Conflict, NotFound, NotModified
from rung.engine.volumes import ANONYMOUS
from rung.engine.waiting import NEXT_EXIT, NOT_RUNNING, REMOVED, Outcome
from rung.errors import RungError
from rung.trace.spans import about, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine


async def remove(engine: Engine, container: Container, *, force: bool = False, volumes: bool = False) -> None:
    """Raises ``Conflict`` where it runs and is not forced."""
    about(container.id)
    if container.state.status == states.REMOVING:
        raise Conflict(f"removal of container {container.id} is already in progress")
    live = (*states.LIVE, states.RESTARTING)
    if container.state.status in live or container.id in engine.running:
        if not force:
            status = container.state.status
            said = "paused and must be unpaused first" if status == states.PAUSED else status
            hint = "" if status == states.PAUSED else ": stop the container before removing or force remove"
            raise Conflict(f'cannot remove container "/{container.name}": container is {said}{hint}')
        await _end(engine, container)
    async with container.lock:
        if container.state.status == states.REMOVING:
            return
        container.become(states.REMOVING)
        engine.containers.note(container)  # on a disk that is full, too: removing makes room
        try:
            with engine.counts.timed("delete"), step("remove its files", engine.places.bundle(container.id)):
                await engine.threads.apart("removals of containers", _remove_files, engine, container.id)
            engine.containers.remove(container)
        except (RungError, OSError):
            container.become(states.DEAD)  # it can be removed again
            raise
        if volumes:
            await _remove_volumes(engine, container)
    engine.events.tell("container", "destroy", container.id, container.attributes())
    outcome = Outcome(container.state.exit_code)
    engine.waiting(container.id).tell((REMOVED, NEXT_EXIT, NOT_RUNNING), outcome)
    engine.forget_waiting(container.id)


async def _remove_volumes(engine: Engine, container: Container) -> None:
    """Those that were made for it alone."""
    for one in container.mounts:
        if one["kind"] != "volume":
            continue
        try:
            volume = engine.volumes.get(one["name"])
            if ANONYMOUS in volume.labels:
                await engine.volumes.remove(volume)
        except (NotFound, Conflict):  # somebody has removed it, or has it as well
            continue


async def _end(engine: Engine, container: Container) -> None:
    from rung.engine.lifecycle.stop import KILLED_S, stop

    container.host["AutoRemove"] = False  # it is being removed already
    running = engine.running.get(container.id)
    try:
        await stop(engine, container, 0, "SIGKILL")
    except NotModified:
        pass
    if running is not None:
        await asyncio.wait_for(asyncio.shield(running.gone), KILLED_S)


def _remove_files(engine: Engine, container_id: str) -> None:
    engine.shown.remove(container_id)
    try:
        shutil.rmtree(engine.places.bundle(container_id))
    except FileNotFoundError:
        pass  # the second time
