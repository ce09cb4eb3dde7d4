"""After a start of the engine: what the database says runs is looked for, and what is found is followed again.

The same after a crash, a clean stop, and a reboot: shims that answer are taken up; containers whose shim is gone have
ended, nobody knows how; then restart policies have their say.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from time import time_ns

from rung.engine import states
from rung.engine.errors import EngineError
from rung.engine.lifecycle.boot_order import HEALTHY, in_order
from rung.engine.lifecycle.exits import LOST, abandon, follow, unmount
from rung.engine.lifecycle.remove import remove
from rung.engine.lifecycle.start import run, watch_health
from rung.engine.running import Running
from rung.engine.shims.client import ShimStalled, connect
from rung.errors import RungError
from rung.spec.shim.task import CREATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine


#: How long one waits for another's health before it is started all the same.
HEALTHY_S = 60.0
#: How long the engine's start waits for shims to answer; those that do not are asked on.
TAKE_UP_S = 5.0


async def reconcile(engine: Engine) -> None:
    """For every container."""
    again = []
    left = await engine.threads.own(_left_over, engine)
    found = list(engine.containers)
    # At once: a shim that does not answer keeps none of the others waiting.
    await asyncio.gather(
        *(_take_up(engine, one) for one in found if one.state.running),
        *(_clear(engine, one) for one in found if not one.state.running and one.id in left),
    )
    for container in found:
        if container.state.status == states.EXITED and container.auto_remove:
            await _removed(engine, container, volumes=True)
            continue
        if container.state.status == states.REMOVING:
            container.state.status = states.DEAD
            await _removed(engine, container)
            continue
        if container.id not in engine.running and comes_back(container):
            again.append(container)
    await engine.threads.own(_remove_unmade, engine)
    if again:
        engine.later(_bring_back(engine, in_order(again)), "bringing containers back")


async def _removed(engine: Engine, container: Container, *, volumes: bool = False) -> None:
    """A removal that cannot be keeps no engine from its start: the container is dead, and its error says why."""
    try:
        await remove(engine, container, volumes=volumes)
    except (RungError, OSError) as error:
        container.state.error = str(error)


def _left_over(engine: Engine) -> set[str]:
    """Containers of which something is there: a shim's socket, the runtime's records, a mount."""
    places = engine.places
    shims = {name.partition(".")[0] for name in os.listdir(places.shims)}
    found = set(_listed(f"{places.runtime}/rung"))
    with open("/proc/self/mountinfo") as file:
        mounted = [line.split()[4] for line in file]
    found |= {path.split("/")[-2] for path in mounted if path.startswith(f"{places.containers}/")}
    return found | {one.id for one in engine.containers if os.path.basename(places.shim(one.id))[:-5] in shims}


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


async def _clear(engine: Engine, container: Container) -> None:
    """What a start or an end that was cut off has left of a container that does not run."""
    try:
        await abandon(engine, container)
        await engine.networks.leave(container)
        await engine.threads.own(unmount, engine, container)
    except RungError as error:
        container.state.error = str(error)


def _remove_unmade(engine: Engine) -> None:
    """Directories of containers that were being made and never came to be: nobody has heard of them. In one may be the
    place where its root file system was mounted, for its new volumes to be filled."""
    known = engine.containers.ids()
    for name in _listed(engine.places.containers):
        bundle = engine.places.bundle(name)
        if name not in known and len(name) == len(next(iter(known), name)) and set(os.listdir(bundle)) <= {"rootfs"}:
            engine.shown.remove(name)
            shutil.rmtree(bundle)


def comes_back(container: Container) -> bool:
    """Whether a container that does not run is to be started with the engine: as with Docker, ``always`` means one
    that was stopped by hand as well."""
    policy, state = (container.host.get("RestartPolicy") or {}).get("Name") or "no", container.state
    if state.status == states.RESTARTING:
        return True
    if state.status != states.EXITED:
        return False
    lost = state.exit_code == LOST and not state.stopped_by_hand
    return policy == "always" or (policy == "unless-stopped" and not state.stopped_by_hand) or (
        policy == "on-failure" and lost
    )


async def _bring_back(engine: Engine, ordered: list[tuple[Container, list[tuple[Container, str]]]]) -> None:
    """One after another; who waits for another's health waits for it here, for a while."""
    for container, before in ordered:
        for other, condition in before:
            if condition == HEALTHY:
                await _healthy(engine, other)
        async with container.lock:
            if container.id in engine.running:
                continue
            container.state.stopped_by_hand = False
            try:
                with engine.stories.telling("bring back", container.id):
                    await run(engine, container)
            except EngineError:
                continue  # written down as its state


async def _healthy(engine: Engine, container: Container) -> None:
    try:
        async with asyncio.timeout(HEALTHY_S):
            while container.id in engine.running and (container.state.health or {}).get("Status") != "healthy":
                await asyncio.sleep(0.1)
    except TimeoutError:
        return


async def _take_up(engine: Engine, container: Container) -> None:
    try:
        running = Running(await connect(engine.places.shim(container.id)))
        running.shim_pid = _parent_of(container.state.pid)
        asking = engine.later(_ask_shim(container, running), f"asking the shim of {container.short_id}")
        done, _ = await asyncio.wait({asking}, timeout=TAKE_UP_S)
        if done:
            asking.result()
    except ShimStalled:
        pass  # it is stopped, and goes on one day: its container runs
    except EngineError:
        await _lost(engine, container)
        return
    engine.shown.take_again(container.id)
    running.began_s -= max(0, time_ns() - container.state.started_ns) / 1e9  # as far as anybody knows
    engine.running[container.id] = running
    engine.later(follow(engine, container, running), f"following {container.short_id}")
    watch_health(engine, container)


async def _ask_shim(container: Container, running: Running) -> None:
    """What the shim knows is what is true; a start that was cut off is brought to its end. Raises ``EngineError``."""
    found = await running.client.call("Connect", id=container.id)
    if not found.task_pid:
        raise EngineError("the shim knows nothing of it")
    running.shim_pid, container.state.pid = found.shim_pid, found.task_pid
    state = await running.client.call("State", id=container.id)
    if state.status == CREATED:  # the engine was killed between its record and its start
        await running.client.call("Start", id=container.id)


def _parent_of(pid: int) -> int:
    """That of a container's first process is its shim; 0 where it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


async def _lost(engine: Engine, container: Container) -> None:
    """Its shim is gone: killed, or the machine has been started again."""
    await _clear(engine, container)
    state = container.state
    state.pid, state.exit_code, state.finished_ns = 0, LOST, time_ns()
    container.become(states.EXITED)
    engine.containers.note(container)
