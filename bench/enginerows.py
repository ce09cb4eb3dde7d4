"""What is measured of engines: lives, the real client, many at once, memory, logs, idleness.

Each row does one round for every engine in turn (see rows.py); those of ``ONCE`` take long and are done once.
Figures are in ``Samples`` (times) or ``figures`` (all else): ``{row: {engine: value}}``.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import measure
import rawapi
import shims
from engines import ENVIRONMENT, IMAGE, Engine

SETTLE_S = 0.05
#: What docker's client is asked for when its own floor is measured: it speaks with the engine, which has nothing to do.
NOTHING = ("ps", "-q", "--filter", "name=matchesnothing")
RUN = ("run", "--rm", "--pull", "never")
LIVES = 5
CROWD = 100
SLEEP = ["/bin/sleep", "100000"]
#: The file ``/lines`` of the image is LINES_BYTES of lines of 100 bytes; a talker says it TIMES times.
LINES_BYTES, TIMES = 2_000_000, 100
IDLE_S = 10.0
SHIMS = 20
MANY = 1000
MOST_AT_ONCE = 8
_KIB = 1 << 10


class Bench:
    """The engines, and what was measured of them so far."""

    def __init__(self, found: dict[str, Engine], runs: dict[str, list[str]], samples: measure.Samples) -> None:
        self.engines = found
        #: Other ways to run ``/bin/true``: by name their command lines.
        self.runs = runs
        self.samples = samples
        self.figures: dict[str, dict[str, float]] = {}
        self.round = 0

    def note(self, row: str, name: str, figure: float) -> None:
        """The one figure of a row."""
        self.figures.setdefault(row, {})[name] = figure

    # --- rounds -----------------------------------------------------------------------

    def life(self) -> None:
        """Create, start, wait, delete of ``/bin/true``, no network; beside it crun's bare ``run``, and the floor."""
        turns = [partial(self._time, "life", each.name, partial(one_life, each.api)) for each in self.engines.values()]
        for name in ("crun", "floor"):
            if name in self.runs:
                turns.append(partial(self._time, "life", name, partial(measure.call, self.runs[name])))
        for _ in range(LIVES):
            self._in_turn(turns)

    def run(self) -> None:
        """``docker run --rm`` with the real client, no network; Rung's and podman's own."""
        words = (*RUN, "--network", "none", IMAGE, "/bin/true")
        argvs = {each.name: each.docker(*words) for each in self.engines.values()}
        if "podman" in self.runs:
            argvs["podman"] = self.runs["podman"]
        turns = [partial(self._command, "run", name, argv) for name, argv in argvs.items()]
        if "rungd" in self.engines:
            turns.append(partial(self._command, "rung run", "rungd", self.engines["rungd"].rung(*words)))
        self._in_turn([*turns, *self._clients("run")])

    def bridge(self) -> None:
        """The same on the default bridge."""
        self._clients_do("bridge", {each.name: (*RUN, IMAGE, "/bin/true") for each in self.engines.values()})

    def exec(self) -> None:
        """``docker exec`` of ``/bin/true`` with the real client."""
        words = {each.name: ("exec", self._standing(each), "/bin/true") for each in self.engines.values()}
        self._clients_do("exec", words)

    def ps(self) -> None:
        """``rung ps`` and ``docker ps``, rungd behind both."""
        engine = self.engines.get("rungd")
        if engine is not None:
            self._standing(engine)
            argvs = {"rungd": engine.rung("ps"), "docker": engine.docker("ps")}
            self._in_turn([partial(self._command, "ps", name, argv) for name, argv in argvs.items()])

    def sandbox(self) -> None:
        """The library's sandbox, blocking: enter, exec, leave; beside them a life through the API."""
        engine = self.engines.get("rungd")
        if engine is None:
            return
        from rung import Client

        with Client(f"unix://{engine.socket}") as client:
            box = client.sandbox(IMAGE)
            self._time("sandbox: enter", engine.name, box.__enter__)
            try:
                self._time("sandbox: exec", engine.name, lambda: box.exec(["/bin/true"], check=True))
            finally:
                self._time("sandbox: leave", engine.name, box.close)
        time.sleep(SETTLE_S)
        self._time("sandbox: life", engine.name, partial(one_life, engine.api))
        time.sleep(SETTLE_S)

    def _clients_do(self, row: str, words: Mapping[str, Sequence[str]]) -> None:
        """docker's client with these words for each engine, and its floor."""
        argvs = {name: self.engines[name].docker(*each) for name, each in words.items()}
        turns = [partial(self._command, row, name, argv) for name, argv in argvs.items()]
        self._in_turn([*turns, *self._clients(row)])

    def _clients(self, row: str) -> list[Callable[[], None]]:
        """The floor of docker's client before each engine, measured for one row."""
        floors = {each.name: each.docker(*NOTHING) for each in self.engines.values()}
        return [partial(self._command, f"{row}, client", name, argv) for name, argv in floors.items()]

    def shim(self) -> None:
        """containerd's shims as programs, Go's beside ours: ``start``, and ``delete``."""
        programs = {"rungd": shims.OURS, "dockerd": shims.theirs()}
        self._in_turn([partial(shims.one, self._time, name, path) for name, path in programs.items() if path])

    def _standing(self, engine: Engine) -> str:
        name = "standing"
        try:
            engine.api.ask("GET", f"/containers/{name}/json")
        except measure.Failed:
            request = {"Image": IMAGE, "Cmd": SLEEP, "HostConfig": {"NetworkMode": "none"}}
            engine.api.ask("POST", f"/containers/create?name={name}", request)
            engine.api.start(name)
        return name

    def _time(self, row: str, name: str, work: Callable[[], object]) -> None:
        self.samples.time(row, name, work)

    def _command(self, row: str, name: str, argv: list[str]) -> None:
        self._time(row, name, lambda: measure.call(argv, ENVIRONMENT))

    def _in_turn(self, turns: Sequence[Callable[[], None]]) -> None:
        first = self.round % max(len(turns), 1)
        self.round += 1
        for turn in (*turns[first:], *turns[:first]):
            turn()
            time.sleep(SETTLE_S)

    # --- once -------------------------------------------------------------------------

    def crowd(self) -> None:
        """Containers started at once: how many a second, and how long ``/_ping`` takes meanwhile."""
        for engine in self.engines.values():
            created = [engine.api.create(IMAGE, SLEEP) for _ in range(CROWD)]
            with Pinger(engine.socket) as pinger, ThreadPoolExecutor(CROWD) as pool:
                began = time.perf_counter()
                list(pool.map(partial(start_apart, engine.socket), created))
                took_s = time.perf_counter() - began
            self.note("crowd: starts a second", engine.name, CROWD / took_s)
            self.note("crowd: slowest ping, ms", engine.name, pinger.slowest_ms)
            remove_all(engine, created)

    def idle(self) -> None:
        """CPU of the engine with a hundred containers that do nothing, in percent of a core."""
        for engine in self.engines.values():
            created = crowd_of(engine, CROWD)
            time.sleep(1.0)
            before, began = cpu_s(engine.processes()), time.perf_counter()
            time.sleep(IDLE_S)
            used = cpu_s(engine.processes()) - before
            self.note("idle: CPU, % of a core", engine.name, 100 * used / (time.perf_counter() - began))
            remove_all(engine, created)

    def memory(self) -> None:
        """The engine resident, idle and busy; a running container's shim, its share of what is shared counted."""
        for engine in self.engines.values():
            self.note("memory: idle, MB", engine.name, sum(map(rss_kib, engine.processes())) / _KIB)
            created = crowd_of(engine, SHIMS)
            shims = [pss_kib(shim_of(engine, each)) for each in created]
            self.note("memory: a shim, MB", engine.name, sum(shims) / len(shims) / _KIB)
            remove_all(engine, created)

    def many(self) -> None:
        """A thousand idle containers; the engine alone, since a thousand take dockerd two minutes."""
        engine = self.engines.get("rungd")
        if engine is None:
            return
        created = crowd_of(engine, MANY // 2)
        self.note("many: engine with 500, MB", engine.name, rss_kib(engine.processes()[0]) / _KIB)
        created += crowd_of(engine, MANY - MANY // 2)
        running = engine.api.ask("GET", "/containers/json")
        self.note("many: run", engine.name, len(running))
        remove_all(engine, created)

    def logs(self) -> None:
        """200 MB in lines of 100 bytes: written, read back, its end."""
        for engine in self.engines.values():
            talker = engine.api.create(IMAGE, ["/bin/cat", *["/lines"] * TIMES], LogConfig={"Type": "json-file"})
            engine.api.start(talker)
            self._time("logs: write", engine.name, partial(engine.api.wait, talker))
            self._command("logs: read", engine.name, engine.docker("logs", talker))
            for _ in range(LIVES):
                said = f"/containers/{talker}/logs?stdout=1&tail=10"
                self._time("logs: tail 10", engine.name, partial(engine.api.count, said))
            engine.api.remove(talker)
            os.sync()  # what one has left to be written is not the next one's

    def attached(self) -> None:
        """The same to a client that is attached, and no log."""
        words = ("run", "--rm", "--network", "none", "--pull", "never", "--log-driver", "none", IMAGE)
        for engine in self.engines.values():
            self._command("attached", engine.name, engine.docker(*words, "/bin/cat", *["/lines"] * TIMES))


class Pinger:
    """Another process that asks for ``/_ping`` all the time, until the context ends."""

    def __init__(self, socket: Path) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_ping, args=(socket, theirs))
        self.slowest_ms = 0.0

    def __enter__(self) -> Pinger:
        self._process.start()
        self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send("enough")
        self.slowest_ms = self._ours.recv()
        self._process.join()


def _ping(socket: Path, connection: multiprocessing.connection.Connection) -> None:
    api = rawapi.Api(socket)
    api.ask("GET", "/_ping")
    connection.send("ready")
    slowest_ms = 0.0
    while not connection.poll(0.005):
        began = time.perf_counter()
        api.ask("GET", "/_ping")
        slowest_ms = max(slowest_ms, (time.perf_counter() - began) * 1e3)
    connection.send(slowest_ms)


def one_life(api: rawapi.Api) -> None:
    """Create, start, wait, delete."""
    container = api.create(IMAGE, ["/bin/true"])
    api.start(container)
    api.wait(container)
    api.ask("DELETE", f"/containers/{container}")


def start_apart(socket: Path, container: str) -> None:
    """Start one over a connection of its own."""
    api = rawapi.Api(socket)
    api.start(container)
    api.close()


def crowd_of(engine: Engine, count: int) -> list[str]:
    """So many containers that sleep."""
    created = [engine.api.create(IMAGE, SLEEP) for _ in range(count)]
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        list(pool.map(partial(start_apart, engine.socket), created))
    return created


def remove_all(engine: Engine, containers: list[str]) -> None:
    """Kill and remove them."""

    def remove(container: str) -> None:
        api = rawapi.Api(engine.socket)
        api.remove(container)
        api.close()

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        list(pool.map(remove, containers))


# --- processes --------------------------------------------------------------------------------


def shim_of(engine: Engine, container: str) -> int:
    """The process that keeps a container: its init's parent."""
    pid = engine.api.ask("GET", f"/containers/{container}/json")["State"]["Pid"]
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def rss_kib(pid: int) -> int:
    """Resident."""
    return _rollup(pid, "Rss:")


def pss_kib(pid: int) -> int:
    """Resident, what is shared divided among those who share it."""
    return _rollup(pid, "Pss:")


def _rollup(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def cpu_s(pids: list[int]) -> float:
    """What processes have used, all their threads."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


#: What a round does, and what is done once.
ROUNDS: dict[str, Callable[[Bench], None]] = {
    "life": Bench.life,
    "run": Bench.run,
    "bridge": Bench.bridge,
    "exec": Bench.exec,
    "ps": Bench.ps,
    "sandbox": Bench.sandbox,
    "shim": Bench.shim,
}
ONCE: dict[str, Callable[[Bench], None]] = {
    "memory": Bench.memory,
    "crowd": Bench.crowd,
    "idle": Bench.idle,
    "logs": Bench.logs,
    "attached": Bench.attached,
    "many": Bench.many,
}
