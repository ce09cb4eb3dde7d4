"""``kill -9`` of the engine, its zygote, a shim, or the shims' worker, at a moment that the seed chooses, while clients start, stop, enter,
read and copy. Afterwards every container is where it was or is reported as what it became, with its status, its log
whole, and nothing else is left.

``RUNG_FAULT_ROUNDS`` says how many rounds there are; the seed of one that fails is its name.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engineparts
from engineparts import Engine, until
from rung.client import ApiError, NotFound

from .kills import VICTIMS, find_victims, kill_all
from .load import LINES, STATUS, Fact, Load

ROUNDS = int(os.environ.get("RUNG_FAULT_ROUNDS", "8"))
LOST = 255


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        yield made


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_kill_loses_nothing(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    load = Load(engine, seed)
    load.start()
    try:
        time.sleep(0.1 + chance.random() * 0.6)
        victim, lost = VICTIMS[seed % len(VICTIMS)], False
        if victim == "engine":
            engine.kill()
            engine.start()
        else:
            lost = kill_all(find_victims(engine, chance, victim)) and victim == "shim"
        time.sleep(0.1 + chance.random() * 0.2)
    finally:
        load.stop()
    assert not load.bugs
    until(lambda: _settled(engine), "every run is over or goes on")
    for fact in load.facts:
        _hold_to(engine, fact, shim_killed=lost)
    engine.clear()
    until(lambda: not engine.left(), f"seed {seed}: left behind: {engine.left()}")


def _settled(engine: Engine) -> bool:
    """Those that count and end have ended: their state says so."""
    with engine.client() as client:
        every = client.api.json("GET", "/containers/json", {"all": True, "filters": {"label": ["load=1"]}})
    return not any(one["State"] == "running" and "exit" in one["Command"] for one in every)


def _inspected(engine: Engine, fact: Fact) -> Any:
    try:
        return engine.ask("GET", f"/containers/{fact.name}/json")
    except NotFound:
        return None


def _can_be_entered(engine: Engine, fact: Fact) -> bool:
    """Whether it runs, as far as a process in it can tell."""
    with engine.client() as client:
        try:
            return bool(client.containers.get(fact.name).exec_run(["true"])[0] == 0)
        except ApiError:
            return False


def _hold_to(engine: Engine, fact: Fact, *, shim_killed: bool) -> None:
    found = _inspected(engine, fact)
    said = f"{fact}: {json.dumps(found and found['State'])}"
    if found is None:
        assert not fact.created or fact.removing, said
        return
    assert not fact.removed, said
    if shim_killed and not _can_be_entered(engine, fact):  # its shim it may be: it is being cleared away
        until(lambda: not engine.ask("GET", f"/containers/{fact.name}/json")["State"]["Running"], said)
        found = _inspected(engine, fact)
    state = found["State"]
    assert state["Status"] in ("created", "running", "exited"), said
    if state["Status"] == "running":
        assert fact.stays, said
        assert os.path.exists(f"/proc/{state['Pid']}/ns"), said
        assert _can_be_entered(engine, fact), said
    else:
        assert state["Pid"] == 0, said
    if fact.started:
        assert state["Status"] != "created", said
        if not fact.stopping:
            right = {STATUS} if not fact.stays else set()
            right |= {LOST} if shim_killed else set()
            assert state["Status"] == "running" or state["ExitCode"] in right, said
        _hold_log(engine, fact, whole=not fact.stopping and state["ExitCode"] != LOST)


def _hold_log(engine: Engine, fact: Fact, *, whole: bool) -> None:
    """Each line once, in order, to the last that was written."""

    def lines() -> list[str]:
        with engine.client() as client:
            return client.containers.get(fact.name).logs().decode().splitlines()

    every = [f"line {number}" for number in range(1, LINES + 1)]
    if whole:
        until(lambda: len(lines()) >= LINES, f"{fact}: its log is whole: {lines()[-1:]}")
    found = lines()
    assert found == every[: len(found)], fact
