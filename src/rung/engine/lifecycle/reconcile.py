"""After a start of the engine: what the database says runs is looked for, and what is found is followed again.

The same after a crash, a clean stop, and a reboot: shims that answer are taken up; containers whose shim is gone have
ended, nobody knows how; then restart policies have their say.
"""

from __future__ import annotations

from time import time_ns

from rung.engine import states
from rung.engine.errors import EngineError
from rung.engine.lifecycle.exits import LOST, clear_without_shim, follow, restart_later, unmount
from rung.engine.lifecycle.start import watch_health
from rung.engine.running import Running
from rung.engine.shims.client import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine


async def reconcile(engine: Engine) -> None:
    """For every container."""
    for container in list(engine.containers):
        if container.state.running:
            await _take_up(engine, container)
        elif container.state.status == states.REMOVING:
            from rung.engine.lifecycle.remove import remove

            container.state.status = states.DEAD
            await remove(engine, container)
        elif container.state.status == states.RESTARTING:
            engine.later(restart_later(engine, container), f"restarting {container.short_id}")


async def _take_up(engine: Engine, container: Container) -> None:
    try:
        client = await connect(engine.places.shim(container.id))
        found = await client.call("Connect", id=container.id)
        if not found.task_pid:
            raise EngineError("the shim knows nothing of it")
    except EngineError:
        await _lost(engine, container)
        return
    running = Running(client)
    running.shim_pid = found.shim_pid
    engine.running[container.id] = running
    container.state.pid = found.task_pid
    engine.later(follow(engine, container, running), f"following {container.short_id}")
    watch_health(engine, container)


async def _lost(engine: Engine, container: Container) -> None:
    """Its shim is gone: killed, or the machine has been started again."""
    await engine.blocking(clear_without_shim, engine, container)
    await engine.networks.leave(container)
    await engine.blocking(unmount, engine, container)
    state = container.state
    state.pid, state.exit_code, state.finished_ns = 0, LOST, time_ns()
    policy = (container.host.get("RestartPolicy") or {}).get("Name") or "no"
    again = policy in ("always", "on-failure") or (policy == "unless-stopped" and not state.stopped_by_hand)
    container.become(states.RESTARTING if again else states.EXITED)
    engine.containers.save(container)
    if again:
        engine.later(restart_later(engine, container), f"restarting {container.short_id}")
    elif container.auto_remove:
        from rung.engine.lifecycle.remove import remove

        await remove(engine, container)
