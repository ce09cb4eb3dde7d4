"""Health checks: a command in the container every so often, and what its outcomes say.

Docker's HEALTHCHECK: exit 0 is healthy; so many failures in a row make it unhealthy; failures within the start period
do not count until one has succeeded. Beyond Docker, the label ``rung.health.on-failure`` (``rung run
--health-on-failure``) says what is done with an unhealthy container: none, restart, stop or kill.
"""

from __future__ import annotations

import asyncio
from time import time_ns

from rung.engine import execs
from rung.engine.errors import EngineError
from rung.engine.lifecycle.stop import kill, restart, stop
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
INTERVAL_S, TIMEOUT_S, START_INTERVAL_S, RETRIES = 30.0, 30.0, 5.0, 3
ACTION_LABEL = "rung.health.on-failure"
_KEPT, _OUTPUT_BYTES = 5, 4096


class Check:
    """What is asked for; None of it where there is no check."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        test = list(given.get("Test") or ())
        kinds = {"CMD": test[1:], "CMD-SHELL": ["/bin/sh", "-c", *test[1:]]}
        self.command = kinds.get(test[0], []) if test else []
        self.interval_s = (given.get("Interval") or 0) / 1e9 or INTERVAL_S
        self.timeout_s = (given.get("Timeout") or 0) / 1e9 or TIMEOUT_S
        self.start_period_s = (given.get("StartPeriod") or 0) / 1e9
        self.start_interval_s = (given.get("StartInterval") or 0) / 1e9 or START_INTERVAL_S
        self.retries = int(given.get("Retries") or 0) or RETRIES


def check_of(container: Container) -> Check | None:
    """The container's, if it has one."""
    found = Check(container.config.get("Healthcheck") or {})
    return found if found.command else None


async def watch(engine: Engine, container: Container, check: Check) -> None:
    """As long as this run lasts."""
    running = engine.running.get(container.id)
    container.state.health = {"Status": STARTING, "FailingStreak": 0, "Log": []}
    began = asyncio.get_running_loop().time()
    while running is not None and engine.running.get(container.id) is running:
        starting = asyncio.get_running_loop().time() - began < check.start_period_s
        early = starting and container.state.health["Status"] == STARTING
        pause_s = check.start_interval_s if early else check.interval_s
        try:
            async with asyncio.timeout(pause_s):
                await asyncio.shield(running.exited)
            return
        except TimeoutError:
            pass
        if container.state.status != "running":
            continue
        outcome = await probe(engine, container, check)
        if engine.running.get(container.id) is running:
            await _take(engine, container, check, outcome, counts=not starting)


async def probe(engine: Engine, container: Container, check: Check) -> dict[str, Any]:
    """Run it once: Docker's HealthcheckResult."""
    start = time_ns()
    code, output = 1, ""
    engine.counts.health_checks += 1
    try:
        once = execs.run(engine, container, check.command, _OUTPUT_BYTES)
        code, output = await asyncio.wait_for(once, check.timeout_s)
    except TimeoutError:
        code, output = -1, f"Health check exceeded timeout ({check.timeout_s:g}s)"
    except EngineError as error:
        output = str(error)
    engine.counts.health_checks_failed += code != 0
    return {"Start": timestamp(start), "End": timestamp(time_ns()), "ExitCode": code, "Output": output}


async def _take(engine: Engine, container: Container, check: Check, outcome: dict[str, Any], *, counts: bool) -> None:
    health = container.state.health
    assert health is not None
    before = health["Status"]
    health["Log"] = [*health["Log"], outcome][-_KEPT:]
    if outcome["ExitCode"] == 0:
        health["Status"], health["FailingStreak"] = HEALTHY, 0
    elif counts or before == HEALTHY:
        health["FailingStreak"] += 1
        if health["FailingStreak"] >= check.retries:
            health["Status"] = UNHEALTHY
    engine.containers.note(container)
    if health["Status"] != before:
        engine.events.tell("container", f"health_status: {health['Status']}", container.id, container.attributes())
        if health["Status"] == UNHEALTHY:
            await _act(engine, container)


async def _act(engine: Engine, container: Container) -> None:
    """What somebody wanted done with it. In a task of its own, for this one ends with the run."""
    actions: dict[str, Callable[[Engine, Container], Coroutine[Any, Any, None]]] = {
        "restart": restart,
        "stop": stop,
        "kill": kill,
    }
    action = actions.get(container.labels.get(ACTION_LABEL, "none"))
    if action is not None:
        engine.later(action(engine, container), f"acting on unhealthy {container.short_id}")
