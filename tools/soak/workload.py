"""What containers run: they count lines and end with a status, so that log and status can be held to it."""

from __future__ import annotations

import random

from faults.engine.load import COUNT
from soak.record import Life

#: Its ``exec`` has nothing left to end on SIGTERM.
_STAYS = "exec sleep 100000"
_TRAPS = "trap 'echo bye; exit %d' TERM; %s"
_WAITS = "while :; do sleep 100000 & wait $!; done"


def choose(chance: random.Random, name: str) -> tuple[Life, list[str]]:
    """A life with a random number of lines and exit status, and its command. No status is one that the ``rung`` command
    ends with by itself (1, 125 and above)."""
    life = Life(name, chance.choice((1, 10, 50, 150, 400)), chance.choice((0, 0, 5, 3, 7, 42, 99)))
    kind = chance.random()
    if kind < 0.6:
        last = f"exit {life.status}"
        if chance.random() < 0.3:  # long enough for verbs and kills
            last = f"sleep 0.{chance.randrange(1, 9)}; {last}"
        return life, ["sh", "-c", COUNT % (life.lines, last)]
    life.stays = True
    if kind < 0.8:
        life.status = 137
        return life, ["sh", "-c", COUNT % (life.lines, _STAYS)]
    life.term_status = life.status
    return life, ["sh", "-c", _TRAPS % (life.status, COUNT % (life.lines, _WAITS))]


def split_runs(log: str) -> list[list[str]]:
    """The lines of each run of a container in its log."""
    runs: list[list[str]] = []
    for line in log.splitlines():
        if line == "line 1" or not runs:
            runs.append([])
        runs[-1].append(line)
    return runs


def check_log(life: Life, log: str, *, whole: bool) -> str:
    """What is wrong with a log, or an empty string. ``whole``: its only run ended in order."""
    for run in split_runs(log):
        numbered = run[:-1] if run[-1] == "bye" else run
        expected = [f"line {number}" for number in range(1, life.lines + 1)]
        if numbered != expected[: len(numbered)]:
            return f"lines are not in order: {numbered[:3]} ... {numbered[-3:]}"
    runs = split_runs(log)
    first = len(runs[0]) if runs else 0
    if first < life.seen:
        return f"{life.seen} lines were read before and {first} are in the log"
    if whole and (len(runs) != 1 or len(runs[0]) < life.lines):
        return f"{life.lines} lines were written and {[len(run) for run in runs]} are in the log"
    return ""
