"""A container that ends while it is being frozen was not running: no fault of the engine's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rung.engine import states
from rung.engine.errors import Conflict
from rung.engine.lifecycle import stop
from rung.engine.shims.client import ShimGone, ShimRefused


def pausing(ends: bool) -> None:
    """``docker pause`` of a container whose runtime refuses."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise ShimRefused(2, "it is stopped")

    async def meanwhile() -> None:
        exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        lock = asyncio.Lock()
        container: Any = SimpleNamespace(id="c", lock=lock, state=SimpleNamespace(status=states.RUNNING))
        running = SimpleNamespace(client=SimpleNamespace(call=refuse), exited=exited)
        engine: Any = SimpleNamespace(running={"c": running})

        async def end() -> None:
            async with lock:  # as the engine does, when it hears of it
                exited.set_result(0)

        asked = asyncio.ensure_future(stop.pause(engine, container))
        if ends:
            await end()
        await asked

    asyncio.run(meanwhile())


def test_it_has_ended() -> None:
    with pytest.raises(Conflict, match="container c is not running"):
        pausing(ends=True)


def test_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop, "ENDING_S", 0.01)
    with pytest.raises(ShimRefused, match="it is stopped"):
        pausing(ends=False)


def test_what_ends_with_its_shim_while_it_is_killed_was_to_end() -> None:
    async def gone(*_: Any, **__: Any) -> None:
        raise ShimGone("the container's shim has gone")

    async def killing() -> None:
        exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running: Any = SimpleNamespace(client=SimpleNamespace(call=gone), exited=exited)
        exited.set_result(0)
        await stop._signal(running, SimpleNamespace(id="c"), 9)  # type: ignore[arg-type]

    asyncio.run(killing())
