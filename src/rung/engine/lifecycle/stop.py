"""Kill, stop, pause, restart: what is done to a container that runs."""

from __future__ import annotations

import asyncio

from rung.engine import states
from rung.engine.errors import Conflict, NotModified
from rung.engine.lifecycle.checks import signal_of
from rung.engine.lifecycle.start import start
from rung.engine.shims.client import ShimGone, ShimRefused, ShimStalled
from rung.engine.waiting import NOT_RUNNING, Outcome
from rung.spec.shim import ttrpc
from rung.trace.spans import about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine
    from rung.engine.running import Running

STOP_S = 10
#: After SIGKILL: a process that does not go then hangs in the kernel.
KILLED_S = 10.0
#: How much later than the runtime the engine may hear of an end.
ENDING_S = 2.0


def need(engine: Engine, container: Container) -> Running:
    """The run of a container. Raises ``Conflict`` where there is none."""
    running = engine.running.get(container.id)
    if running is None:
        raise Conflict(f"container {container.id} is not running")
    return running


async def kill(engine: Engine, container: Container, word: str = "SIGKILL") -> None:
    """Send a signal."""
    about(container.id)
    number = signal_of(word)
    running = engine.running.get(container.id)
    if running is None:
        raise Conflict(f"cannot kill container: {container.id}: container {container.id} is not running")
    if number == signal_of(stop_signal(container)) or number == 9:
        container.state.stopped_by_hand = True
    await _signal(running, container, number)
    attributes = {**container.attributes(), "signal": str(number)}
    engine.events.tell("container", "kill", container.id, attributes)
    if number == 9:  # what is killed has ended when its killer hears of it
        await asyncio.wait_for(asyncio.shield(running.exited), KILLED_S)


async def _signal(running: Running, container: Container, number: int) -> None:
    """It may end, and its shim with it, before the shim has answered: that is what was wanted."""
    try:
        await running.client.call("Kill", id=container.id, signal=number)
    except ShimRefused as error:
        if error.code != ttrpc.NOT_FOUND:
            raise
    except ShimGone:
        if not await _is_ending(running):  # the same, and its shim as well
            raise
    except ShimStalled:
        if number != 9:
            raise
        running.kill_shim()  # the container goes with what is cleared away after a shim (``exits.py``)


def stop_signal(container: Container) -> str:
    """What asks it to end."""
    return str(container.config.get("StopSignal") or "SIGTERM")


async def stop(engine: Engine, container: Container, timeout_s: int | None = None, word: str = "") -> None:
    """Ask it to end, then make it. Raises ``NotModified`` where it does not run."""
    about(container.id)
    state = container.state
    if state.status == states.RESTARTING:
        state.stopped_by_hand = True
        container.become(states.EXITED)
        engine.containers.note(container)
        engine.waiting(container.id).tell((NOT_RUNNING,), Outcome(state.exit_code))
        return
    running = engine.running.get(container.id)
    if running is None:
        raise NotModified("")
    state.stopped_by_hand = True
    engine.containers.note(container)
    if state.status == states.PAUSED:
        await unpause(engine, container)
    number = signal_of(word or stop_signal(container))
    configured = container.config.get("StopTimeout")
    patience = timeout_s if timeout_s is not None else configured if configured is not None else STOP_S
    try:
        await _signal(running, container, number)
    except ShimStalled:  # whoever does not hear the first signal gets the last
        patience = 0
    engine.events.tell("container", "kill", container.id, {**container.attributes(), "signal": str(number)})
    try:
        async with asyncio.timeout(None if patience < 0 else patience):
            await asyncio.shield(running.exited)
    except TimeoutError:
        await _signal(running, container, 9)
        engine.events.tell("container", "kill", container.id, {**container.attributes(), "signal": "9"})
        await asyncio.wait_for(asyncio.shield(running.exited), KILLED_S)
    engine.events.tell("container", "stop", container.id, container.attributes())


async def restart(engine: Engine, container: Container, timeout_s: int | None = None, word: str = "") -> None:
    """Stop it if it runs, and start it."""
    about(container.id)
    running = engine.running.get(container.id)
    if running is not None:
        auto_remove, container.host["AutoRemove"] = container.auto_remove, False
        try:
            await stop(engine, container, timeout_s, word)
            await asyncio.shield(running.gone)
        finally:
            container.host["AutoRemove"] = auto_remove
    container.state.stopped_by_hand = False
    await start(engine, container)
    engine.events.tell("container", "restart", container.id, container.attributes())


async def pause(engine: Engine, container: Container) -> None:
    """Freeze it."""
    about(container.id)
    running = need(engine, container)
    try:
        async with container.lock:
            await _pause(engine, container)
    except ShimRefused:
        if await _is_ending(running):
            raise Conflict(f"container {container.id} is not running") from None
        raise
    engine.events.tell("container", "pause", container.id, container.attributes())


async def _pause(engine: Engine, container: Container) -> None:
    if container.state.status == states.PAUSED:
        raise Conflict(f"Container {container.id} is already paused")
    await need(engine, container).client.call("Pause", id=container.id)
    container.become(states.PAUSED)
    engine.containers.note(container)


async def _is_ending(running: Running) -> bool:
    """Whether what a runtime would not do failed because there was nothing any more to do it to: of its end the shim
    hears at the same time."""
    done, _ = await asyncio.wait({running.exited}, timeout=ENDING_S)
    return bool(done)


async def unpause(engine: Engine, container: Container) -> None:
    """Thaw it."""
    about(container.id)
    async with container.lock:
        if container.state.status != states.PAUSED:
            raise Conflict(f"Container {container.id} is not paused")
        await need(engine, container).client.call("Resume", id=container.id)
        container.become(states.RUNNING)
        engine.containers.note(container)
    engine.events.tell("container", "unpause", container.id, container.attributes())
