"""The end of a run: waited for, written down, cleared away; then perhaps another run, or the container's removal."""

from __future__ import annotations

import asyncio
import os
from time import time_ns

from rung.engine import cgroups, states, subpaths
from rung.engine.errors import EngineError
from rung.engine.running import Running
from rung.engine.runtimes import OWN
from rung.engine.shims.client import Client, ShimGone, ShimRefused, ShimStalled, connect
from rung.engine.waiting import NEXT_EXIT, NOT_RUNNING, Outcome
from rung.errors import RungError
from rung.kernel import mount as kernel
from rung.spec.shim import ttrpc
from rung.trace.spans import step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from rung.engine.container import Container
    from rung.engine.engine import Engine

#: What is said of a container whose shim was killed: nobody learned its status.
LOST = 255
#: A task that is being made is waited for, and killed when it is.
ABANDON_S, ABANDON_PAUSE_S = 30.0, 0.02
#: Before a restart: the first pause, doubled each time, up to the last; a run of this length begins anew.
PAUSE_S, PAUSE_MAX_S, STEADY_S = 0.1, 60.0, 10.0


async def follow(engine: Engine, container: Container, running: Running) -> None:
    """Until the run has ended, and what comes of it."""
    status, finished_ns = await _wait(container, running)
    lasted_s = running.lasted_s()
    with engine.stories.telling("clear away after the end, status", container.id, str(status), running.trace):
        await _over(engine, container, running, status, finished_ns)
    if container.state.status == states.RESTARTING:
        engine.later(restart_later(engine, container, lasted_s), f"restarting {container.short_id}")
    elif container.auto_remove:
        from rung.engine.lifecycle.remove import remove

        await remove(engine, container, force=True, volumes=True)


async def _over(engine: Engine, container: Container, running: Running, status: int, finished_ns: int) -> None:
    """Written down, told, and taken away."""
    async with container.lock:
        state = container.state
        state.oom_killed = ran_out_of_memory(engine, container)
        if state.oom_killed:
            engine.events.tell("container", "oom", container.id, container.attributes())
        ended = {"pid": 0, "exit_code": status, "finished_ns": finished_ns}
        after = states.RESTARTING if wants_restart(container, status) else states.EXITED
        # Before the shim goes: it alone knows the status, and an engine that is killed now clears away what is left.
        engine.containers.note(container, after, **ended, attached={}, published=[])
        await _clear(engine, container, running)
        ending = engine.later(_end(engine, container, running), f"ending the shim of {container.short_id}")
        engine.ending[container.id] = ending
        state.__dict__.update(ended)
        engine.running.pop(container.id, None)
        for exec_id in running.execs:
            engine.execs.pop(exec_id, None)
        container.become(states.EXITED if state.stopped_by_hand else after)
        if container.state.status != after:  # it was stopped by hand meanwhile
            engine.containers.note(container, container.state.status)
        attributes = {**container.attributes(), "exitCode": str(status)}
        engine.events.tell("container", "die", container.id, attributes)
        running.exited.set_result(status)
        # A container that is about to be restarted has not been running for a moment: as with Docker.
        engine.waiting(container.id).tell((NEXT_EXIT, NOT_RUNNING), Outcome(status))


async def _wait(container: Container, running: Running) -> tuple[int, int]:
    try:
        found = await running.client.call("Wait", id=container.id)
    except (ShimGone, ShimRefused):
        return LOST, time_ns()
    moment = found.exited_at
    return found.exit_status, moment.seconds * 1_000_000_000 + moment.nanos if moment is not None else time_ns()


async def _clear(engine: Engine, container: Container, running: Running) -> None:
    """The task, the network, the mount: nobody is in them any more, but of other runtimes that is not known."""
    if str(container.host.get("Runtime") or "") in OWN:
        await asyncio.gather(_delete_task(engine, container, running.client), _let_go(engine, container))
    else:
        await _delete_task(engine, container, running.client)
        await _let_go(engine, container)


async def _delete_task(engine: Engine, container: Container, client: Client) -> None:
    try:
        await client.call("Delete", id=container.id)
    except EngineError:
        await _tried(container, clear(engine, container))


async def _end(engine: Engine, container: Container, running: Running) -> None:
    """The shim, which has nothing to do any more: nobody waits for that but the next run and who forces a removal."""
    try:
        await _end_shim(engine, container, running)
    finally:
        engine.ending.pop(container.id, None)
        running.gone.set_result(None)


async def _end_shim(engine: Engine, container: Container, running: Running) -> None:
    """Whatever it thinks that it has still: what it would not delete has been cleared away."""
    client = running.client
    try:
        await client.call("Shutdown", id=container.id, now=True)
    except EngineError:  # it was killed, or is stopped: what it had is here still
        running.kill_shim()
        await _tried(container, clear(engine, container))
    client.close()


async def _let_go(engine: Engine, container: Container) -> None:
    with step("leave its networks"):
        await _tried(container, engine.networks.leave(container))
    with step("unmount the root file system"):
        await _tried(container, engine.threads.own(unmount, engine, container))


async def _tried(container: Container, work: Awaitable[None]) -> None:
    """What fails of it (a disk is full) keeps nobody from hearing of the end; the container's error says it."""
    try:
        await work
    except (RungError, OSError) as error:
        container.state.error = str(error)


def ran_out_of_memory(engine: Engine, container: Container) -> bool:
    """Whether the kernel has killed any of its processes for want of memory: asked before its cgroup goes."""
    cgroup = cgroups.found(engine, container)
    try:
        return cgroup is not None and cgroup.oom_kills() > 0
    except RungError:
        return False  # it has gone with its shim


def unmount(engine: Engine, container: Container) -> None:
    """Take the root file system away."""
    engine.shown.give_back(container.id)
    subpaths.unmount(engine.places, container.id)
    shm = f"{engine.places.bundle(container.id)}/shm"
    if kernel.is_mountpoint(shm):
        kernel.umount(shm, kernel.MNT_DETACH)


async def clear(engine: Engine, container: Container) -> None:
    """Take away what a shim that is gone has left."""
    await engine.threads.apart("clean-ups of containers", clear_without_shim, engine, container)


def clear_without_shim(engine: Engine, container: Container) -> None:
    """What a shim that is gone would have taken away."""
    from rung.runtime import ContainerNotFound, Runtime
    from rung.shim import clear as clear_foreign

    # Another runtime's, whose records it alone can read.
    clear_foreign(container.id, engine.places.bundle(container.id))
    try:
        Runtime(f"{engine.places.runtime}/rung").get(container.id).delete(force=True)
    except ContainerNotFound:
        pass
    shims = engine.places.shims
    streams = [f"{shims}/{name}" for name in os.listdir(shims) if name.startswith(container.id[:16])]
    for path in (engine.places.shim(container.id), *streams):  # its own, and those of its execs
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


async def abandon(engine: Engine, container: Container, begun: Running | None = None) -> None:
    """Take away the task of a start that came to nothing: it may be in any state, its shim alive or not. ``begun``: the
    run that was to be, where its shim had answered."""
    try:
        client = await connect(engine.places.shim(container.id))
    except ShimGone:
        await clear(engine, container)
        return
    except ShimStalled:
        if begun is not None:
            begun.kill_shim()
        await clear(engine, container)
        return
    try:
        async with asyncio.timeout(ABANDON_S):
            while not await _deleted(client, container.id):
                await asyncio.sleep(ABANDON_PAUSE_S)
        await client.call("Shutdown", id=container.id, now=True)
    except ShimGone:
        await clear(engine, container)
    except (TimeoutError, ShimStalled):
        if begun is None:
            begun = Running(client)
            begun.shim_pid = (await client.call("Connect", id=container.id)).shim_pid
        begun.kill_shim()
        await clear(engine, container)
    finally:
        client.close()


async def _deleted(client: Client, container_id: str) -> bool:
    """Whether the task is gone; one that runs is killed, one that is being made is waited for. Raises ``ShimGone``."""
    try:
        await client.call("Delete", id=container_id)
    except ShimRefused as error:
        if error.code == ttrpc.NOT_FOUND:
            return True
        try:
            await client.call("Kill", id=container_id, signal=9, all=True)
        except ShimRefused:
            pass  # it has no process yet, or none any more
        return False
    return True


# --- restarting --------------------------------------------------------------------------


def wants_restart(container: Container, status: int) -> bool:
    """What its policy says after an end with that status (docker run --restart)."""
    policy = container.host.get("RestartPolicy") or {}
    name, most = policy.get("Name") or "no", int(policy.get("MaximumRetryCount") or 0)
    state = container.state
    if state.stopped_by_hand or name == "no":
        return False
    if name == "on-failure":
        return status != 0 and (not most or state.restarts < most)
    return True


async def restart_later(engine: Engine, container: Container, lasted_s: float) -> None:
    """After a pause that grows while runs are short."""
    state = container.state
    state.pause_s = PAUSE_S if lasted_s > STEADY_S else min(PAUSE_MAX_S, max(PAUSE_S, 2 * state.pause_s))
    await asyncio.sleep(state.pause_s)
    from rung.engine.lifecycle.start import run

    async with container.lock:
        if state.status != states.RESTARTING or state.stopped_by_hand:
            return
        state.restarts += 1
        try:
            with engine.stories.telling("restart", container.id):
                await run(engine, container)
        except EngineError:
            engine.waiting(container.id).tell((NEXT_EXIT, NOT_RUNNING), Outcome(state.exit_code, state.error))
