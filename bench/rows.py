"""What is measured: each row does one round for every contestant in turn.

Interleaved, so that a slow moment of the machine hits all alike. The kernel takes a network
namespace down in its own time, after its last process has gone, and makes whoever wants the
next one wait: so after each that goes there is a pause, and each round begins with another
contestant. (Without, Rung, runc and crun take 6 to 10 ms more than alone.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import library
import measure
from bundles import Ground
from contestants import Runtime

SETTLE_S = 0.05


class Bench:
    """Contestants, their bundles and what was measured so far."""

    def __init__(self, runtimes: list[Runtime], floor: str, ground: Ground, samples: measure.Samples) -> None:
        self.runtimes = runtimes
        self.floor = floor
        self.ground = ground
        self.samples = samples
        self.state = ground.place / "state"
        self.true = {r.name: ground.bundle(f"true-{r.name}", ["/bin/true"]) for r in runtimes}
        self.sleep = {r.name: ground.bundle(f"sleep-{r.name}", ["/bin/sleep", "1000"]) for r in runtimes}
        self.library = library.Library.where_it_works(ground, self.state / "library")
        self.rss_kib: dict[str, list[int]] = {}
        self.round = 0

    def run(self) -> None:
        """``run`` of ``/bin/true`` in the foreground; for the floor, itself."""
        self._in_turn([lambda: self._floor("run"), *(partial(self._run, each) for each in self.runtimes)])

    def lifecycle(self) -> None:
        """Every command of a manager, one after another, on a container that sleeps."""
        self._in_turn([partial(self._one_life, runtime) for runtime in self.runtimes])

    def in_process(self) -> None:
        """Create, start, wait and delete through the library, in this warm process."""
        turns = [lambda: self._floor("library")]
        if self.library is not None:
            one_life = self.library.one_life
            turns.append(lambda: self.samples.time("library", "rung", one_life, in_process=True))
        self._in_turn(turns)

    def _in_turn(self, turns: list[Callable[[], None]]) -> None:
        first = self.round % len(turns)
        for turn in turns[first:] + turns[:first]:
            turn()
            time.sleep(SETTLE_S)

    def _run(self, runtime: Runtime) -> None:
        argv = runtime.argv(self.state, "run", "--bundle", self.true[runtime.name], "bench")
        self.samples.time("run", runtime.name, lambda: measure.call(argv))

    def _floor(self, row: str) -> None:
        argv = [self.floor, str(self.ground.rootfs), "/bin/true"]
        self.samples.time(row, "floor", lambda: measure.call(argv))

    def _one_life(self, runtime: Runtime) -> None:
        pid_file = self.ground.place / "pid"

        def timed(row: str, *words: str | Path) -> None:
            self.samples.time(row, runtime.name, lambda: measure.call(runtime.argv(self.state, *words)))

        timed("create", "create", "--bundle", self.sleep[runtime.name], "--pid-file", pid_file, "bench")
        pid = int(pid_file.read_text())
        self.rss_kib.setdefault(runtime.name, []).append(resident_kib(pid))
        timed("state", "state", "bench")
        timed("start", "start", "bench")
        timed("exec", "exec", "bench", "/bin/true")
        timed("kill", "kill", "bench", "KILL")
        measure.await_end(pid)
        timed("delete", "delete", "bench")

    def abandon(self) -> None:
        """After a failure: no container stays."""
        for runtime in self.runtimes:
            if (self.state / runtime.name / "bench").exists():
                os.spawnv(os.P_WAIT, runtime.program, runtime.argv(self.state, "delete", "--force", "bench"))


ROWS: dict[str, Callable[[Bench], None]] = {
    "run": Bench.run,
    "lifecycle": Bench.lifecycle,
    "library": Bench.in_process,
}


def resident_kib(pid: int) -> int:
    """Resident memory of the process that waits between create and start."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    return 0
