"""Reading a log up to a moment. Its container goes on and says nothing more."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import pytest

from rung.engine.engine import Engine
from rung.engine.logs import Ask, read
from rung.engine.threads import Threads

DEADLINE_S = 60.0
LINES = (
    '{"log":"before\\n","stream":"stdout","time":"2020-01-01T00:00:00Z"}\n'
    '{"log":"after\\n","stream":"stdout","time":"2020-01-01T00:00:02Z"}\n'
)
BETWEEN_NS = 1577836801 * 1_000_000_000


class One:
    """What ``read`` wants of an engine: one container that runs."""

    running = frozenset({"one"})

    def __init__(self, log: Path) -> None:
        self.places, self._log = self, str(log)

    def log(self, container_id: str) -> str:
        return self._log

    @property
    def threads(self) -> Threads:
        return Threads()


def followed(log: Path, until_ns: int, tail: int = -1) -> bytes:
    async def use() -> bytes:
        ask = Ask(follow=True, until_ns=until_ns, tail=tail)
        async with asyncio.timeout(DEADLINE_S):
            return b"".join(
                [piece async for piece in read(cast("Engine", One(log)), "one", ask, terminal=True)]
            )

    return asyncio.run(use())


@pytest.mark.parametrize("tail", [-1, 2])
def test_a_follower_of_what_is_past_ends(tmp_path: Path, tail: int) -> None:
    log = tmp_path / "log"
    log.write_text(LINES)
    assert followed(log, BETWEEN_NS, tail) == b"before\n"


def test_one_without_a_log_yet_ends_as_well(tmp_path: Path) -> None:
    assert followed(tmp_path / "log", BETWEEN_NS) == b""


def test_one_that_ends_in_the_future_waits_for_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LINES)
    end_ns = time.time_ns() + 50_000_000
    assert followed(log, end_ns) == b"before\nafter\n"
    assert time.time_ns() >= end_ns


def test_a_log_of_many_blocks_comes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.engine.logs._BLOCK", 150)
    log = tmp_path / "log"
    for lines in (0, 1, 16, 17, 500):
        log.write_text("".join(LINES.replace("after", str(number)) for number in range(lines)))
        assert whole(log) == b"".join(b"before\n%d\n" % number for number in range(lines))


def whole(log: Path) -> bytes:
    """All that there is."""

    async def reading() -> bytes:
        engine = cast("Any", One(log))
        return b"".join([piece async for piece in read(engine, "one", Ask(), terminal=True)])

    return asyncio.run(reading())


def test_a_client_that_has_enough_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.engine.logs._BLOCK", 150)
    log = tmp_path / "log"
    log.write_text(LINES * 500)

    async def leaving() -> bytes:
        pieces = cast("Any", read(cast("Any", One(log)), "one", Ask(), terminal=True))
        first: bytes = await anext(pieces)
        await pieces.aclose()
        return first

    assert asyncio.run(leaving()).startswith(b"before\n")
