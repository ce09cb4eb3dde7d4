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
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import contestants
import library
import managers
import measure
import server
from bundles import Ground
from contestants import Runtime

SETTLE_S = 0.05
LISTED = 1000
LIVES = 8


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
        self.managers = managers.Managers(runtimes, ground.rootfs)
        self.crowd: Path | None = None
        self.rss_kib: dict[str, list[int]] = {}
        self.round = 0

    def run(self) -> None:
        """``run`` of ``/bin/true`` in the foreground; for the floor, itself."""
        self._in_turn([lambda: self._floor("run"), *(partial(self._run, each) for each in self.runtimes)])

    def lifecycle(self) -> None:
        """Every command of a manager, one after another, on a container that sleeps."""
        turns = [partial(self._one_life, runtime, self._note_time) for runtime in self.runtimes]
        self._in_turn([*turns, self._bare_python])

    def thousand(self) -> None:
        """``list`` of a thousand containers that wait for their start."""
        ours = [each for each in self.runtimes if each.name in ("rung", "cold")]
        if ours and self.crowd is None:
            self._gather(ours[0])
        for runtime in ours:
            argv = [runtime.program, "--root", str(self.crowd), "list"]
            self.samples.time("list", runtime.name, lambda: measure.call(argv, runtime.env))  # noqa: B023

    def _gather(self, runtime: Runtime) -> None:
        self.crowd = self.ground.place / "crowd"
        bundle = self.ground.bundle("crowd", ["/bin/true"], namespaces=("pid", "mount"), cgroup=False)
        for number in range(LISTED):
            words = ["--root", str(self.crowd), "create", "--bundle", str(bundle), f"crowd{number}"]
            measure.call([runtime.program, *words], runtime.env)

    def memory(self) -> None:
        """The most that any command of the cold way has resident, and all of the server."""
        for runtime in self.runtimes:
            if runtime.name == "cold":
                self._one_life(runtime, self._note_resident)
        kib = server.resident_kib()
        if kib:
            self.rss_kib.setdefault("server", []).append(kib)

    def _note_resident(self, row: str, runtime: Runtime, argv: list[str]) -> None:
        kib = measure.most_resident_kib(argv, runtime.env, str(contestants.busybox()))
        self.rss_kib.setdefault(f"cold {row}", []).append(kib)

    def _note_time(self, row: str, runtime: Runtime, argv: list[str]) -> None:
        self.samples.time(row, runtime.name, lambda: measure.call(argv, runtime.env))

    def in_process(self) -> None:
        """Create, start, wait and delete through the library, in this warm process."""
        turns = [lambda: self._floor("library")]
        if self.library is not None:
            one_life = self.library.one_life
            turns.append(lambda: self.samples.time("library", "rung", one_life, in_process=True))
        self._in_turn(turns)

    def recording(self) -> None:
        """What it costs that everything is written down for ``rung explain``: with it ("rung") and without ("off").
        The difference is small, so each round does it often."""
        if self.library is None:
            return
        for number in range(LIVES):
            for name in ("rung", "off") if number % 2 else ("off", "rung"):
                with library.unrecorded() if name == "off" else nullcontext():
                    self.samples.time("recording", name, self.library.one_life, in_process=True)

    def manager(self, name: str) -> None:
        """``docker run`` and ``podman run``."""
        self._in_turn(
            [
                partial(self.samples.time, f"{name} run", runtime, partial(measure.call, argv, managers.environment()))
                for runtime, argv in self.managers.turns(name)
            ]
        )

    def _in_turn(self, turns: list[Callable[[], None]]) -> None:
        first = self.round % max(len(turns), 1)
        for turn in turns[first:] + turns[:first]:
            turn()
            time.sleep(SETTLE_S)

    def _run(self, runtime: Runtime) -> None:
        self._note_time("run", runtime, runtime.argv(self.state, "run", "--bundle", self.true[runtime.name], "bench"))

    def _floor(self, row: str) -> None:
        argv = [self.floor, str(self.ground.rootfs), "/bin/true"]
        self.samples.time(row, "floor", lambda: measure.call(argv))

    def _bare_python(self) -> None:
        argv = contestants.bare_python()
        for row in ("state", "start", "kill", "delete"):
            self.samples.time(row, "python", lambda: measure.call(argv))

    def _one_life(self, runtime: Runtime, note: Callable[[str, Runtime, list[str]], None]) -> None:
        pid_file = self.ground.place / "pid"

        def do(row: str, *words: str | Path) -> None:
            note(row, runtime, runtime.argv(self.state, *words))

        do("create", "create", "--bundle", self.sleep[runtime.name], "--pid-file", pid_file, "bench")
        pid = int(pid_file.read_text())
        self.rss_kib.setdefault(runtime.name, []).append(resident_kib(pid))
        do("state", "state", "bench")
        do("start", "start", "bench")
        do("exec", "exec", "bench", "/bin/true")
        do("kill", "kill", "bench", "KILL")
        measure.await_end(pid)
        do("delete", "delete", "bench")

    def abandon(self) -> None:
        """No container stays, after a failure either."""
        for runtime in self.runtimes:
            if (self.state / runtime.name / "bench").exists():
                os.spawnv(os.P_WAIT, runtime.program, runtime.argv(self.state, "delete", "--force", "bench"))
        if self.crowd is not None and self.crowd.exists():
            for each in self.crowd.iterdir():
                words = ["--root", str(self.crowd), "delete", "--force", each.name]
                os.spawnv(os.P_WAIT, self.runtimes[0].program, [self.runtimes[0].program, *words])
        self.managers.close()


ROWS: dict[str, Callable[[Bench], None]] = {
    "run": Bench.run,
    "lifecycle": Bench.lifecycle,
    "library": Bench.in_process,
    "recording": Bench.recording,
    "list": Bench.thousand,
    "memory": Bench.memory,
    "docker": lambda bench: bench.manager("docker"),
    "podman": lambda bench: bench.manager("podman"),
}


def resident_kib(pid: int) -> int:
    """Resident memory of the process that waits between create and start."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    return 0
