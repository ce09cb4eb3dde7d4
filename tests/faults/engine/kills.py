"""Processes of an engine that a test kills: the engine, its zygote, its workers, and shims."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress

import engineparts
from engineparts import Engine

VICTIMS = ("engine", "zygote", "shim", "worker")


def find_victims(engine: Engine, chance: random.Random, kind: str) -> list[str]:
    """Pids to kill for a kill of ``kind``: the zygote with what it has forked ahead, every worker, or one shim."""
    assert engine.daemon is not None
    if kind == "engine":
        return [str(engine.daemon.pid)]
    if kind == "shim":
        shims = sorted(pid for pid in engine.processes() if engineparts.is_shim(pid))
        return [chance.choice(shims)] if shims else []
    forks = [pid for pid in engine.processes() if engineparts.is_zygote(pid)]
    return forks if kind == "zygote" else [pid for pid in forks if engineparts.is_worker(pid)]


def kill_all(pids: list[str]) -> bool:
    """Send SIGKILL to each, and return whether there was one."""
    for pid in pids:
        with suppress(ProcessLookupError):  # the shim-to-be ends with its zygote
            os.kill(int(pid), signal.SIGKILL)
    return bool(pids)
