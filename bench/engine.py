"""The engine beside dockerd, podman and crun, interleaved in one run: ``make bench-engine``.

    python bench/engine.py [--rounds N] [--rows life,run,logs] [--engines rungd,dockerd] [--json FILE]

Exits with 1 when a bound of the project does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import contestants
import engines
import limits
import managers
import measure
from bundles import Ground
from enginerows import LINES_BYTES, ONCE, ROUNDS, Bench
from main import WARM_UP, hide_what_others_share, in_own_namespaces

Table = dict[str, dict[str, float]]
#: Of a figure; ``KeyError`` where something in it was not measured.
Value = Callable[[Table], float]

P99 = "life: p99 to median"
#: The same client that asks the same engine for nothing (``enginerows.NOTHING``), measured beside a row.
CLIENT = ", client"


def own(row: str) -> Value:
    """Rung's own figure."""
    return lambda table: table[row]["rungd"]


def share(row: str, peer: str, of: str = "") -> Value:
    """Rung's figure as a share of a peer's, in the same row or in another."""
    return lambda table: table[row]["rungd"] / table[of or row][peer]


def net(row: str) -> Value:
    """Rung's share of Docker's where both are asked by docker's client, whose own floor is taken off both."""

    def value(table: Table) -> float:
        ours, theirs = (table[row][name] - table[f"{row}{CLIENT}"][name] for name in ("rungd", "dockerd"))
        return ours / theirs

    return value


#: (what, its value, bound, aim). A rate, or a count, is to be at least the bound.
BOUNDS: tuple[tuple[str, Value, float, float | None], ...] = (
    ("API life, of crun's bare run", share("life", "crun"), 0.75, 0.5),
    ("API life, of the kernel's floor", share("life", "floor"), 4, 3),
    (P99, own(P99), 3, None),
    ("docker run, no network, net of the client, of dockerd", net("run"), 0.1, 0.07),
    ("docker run, bridge, net of the client, of dockerd", net("bridge"), 0.12, 0.08),
    ("rung run, ms", own("rung run"), 40, None),
    ("docker exec, net of the client, of dockerd", net("exec"), 0.12, 0.08),
    ("rung ps, of docker ps", share("ps", "docker"), 0.4, 0.3),
    ("sandbox: enter, of an API life", share("sandbox: enter", "rungd", "sandbox: life"), 1.1, None),
    ("sandbox: exec, of an API life", share("sandbox: exec", "rungd", "sandbox: life"), 0.4, None),
    ("sandbox: leave, of an API life", share("sandbox: leave", "rungd", "sandbox: life"), 0.4, None),
    ("containerd's shim: start, of runc's", share("shim: start", "dockerd"), 1, 0.8),
    ("containerd's shim: delete, of runc's", share("shim: delete", "dockerd"), 0.8, 0.6),
    ("crowd: starts a second, of dockerd", share("crowd: starts a second", "dockerd"), 20, 30),
    ("crowd: slowest ping, ms", own("crowd: slowest ping, ms"), 50, None),
    ("memory: a shim, proportional, MB", own("memory: a shim, MB"), 2, 1.5),
    ("memory: engine idle, all its processes, MB", own("memory: idle, MB"), 50, 40),
    ("many: engine with 500, MB", own("many: engine with 500, MB"), 100, None),
    ("many: run", own("many: run"), 1000, None),
    ("idle: CPU, % of a core", own("idle: CPU, % of a core"), 0.5, None),
    ("logs: write, of dockerd", share("logs: write", "dockerd"), 0.25, None),
    ("logs: read, of dockerd", share("logs: read", "dockerd"), 0.1, None),
    ("logs: tail 10, ms", own("logs: tail 10"), 20, None),
    ("attached, of dockerd", share("attached", "dockerd"), 1, None),
)
AT_LEAST = ("crowd: starts a second, of dockerd", "many: run")


def main() -> int:
    """Measure, print, save."""
    options = parse()
    if os.geteuid() != 0:
        sys.exit("bench: containers need root here")
    if os.getpid() != 1:
        return in_own_namespaces()
    hide_what_others_share()
    table = measured(options)
    print(*lines(table), sep="\n")
    promised = list(promises(table))
    print(*limits.lines(promised), sep="\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1) + "\n")
    return 0 if all(one.holds for one in promised) else 1


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the engine and its peers.")
    known = [*ROUNDS, *ONCE]
    parser.add_argument("--rounds", type=int, default=20, help="of what is quick")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=known, help=",".join(known))
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(engines.NAMES))
    parser.add_argument("--json", type=Path, help="save the result")
    options = parser.parse_args()
    unknown = set(options.rows) - set(known)
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))} (there are {', '.join(known)})")
    return options


def measured(options: argparse.Namespace) -> Table:
    """Every row that is wanted."""
    runtimes = {each.name: each for each in contestants.installed()}
    ground = Ground([next(iter(runtimes.values())).program, "spec"], contestants.busybox())
    try:
        with ExitStack() as stack:
            archive = image(ground)
            found = engines.started(options.engines if set(options.rows) - {"shim"} else [], archive, stack)
            runs = others(runtimes, ground, archive, stack) if set(options.rows) & {"life", "run"} else {}
            bench = Bench(found, runs, measure.Samples(measure.NoMeter()))
            for name in (each for each in ROUNDS if each in options.rows):
                rounds(bench, name, options.rounds)
            for name in (each for each in ONCE if each in options.rows):
                ONCE[name](bench)
            return {**times(bench.samples), **bench.figures}
    except measure.Failed as error:
        sys.exit(f"bench: {error}")
    finally:
        ground.close()


def rounds(bench: Bench, name: str, count: int) -> None:
    """The first ones warm up and do not count."""
    kept, bench.samples = bench.samples, measure.Samples(measure.NoMeter())
    for number in range(WARM_UP + count):
        if number == WARM_UP:
            bench.samples = kept
        ROUNDS[name](bench)


def image(ground: Ground) -> Path:
    """The root file system as an archive, with something to say in it."""
    line = b"x" * 99 + b"\n"
    (ground.rootfs / "lines").write_bytes(line * (LINES_BYTES // len(line)))
    archive = ground.place / "rootfs.tar"
    subprocess.run(["tar", "--numeric-owner", "-C", ground.rootfs, "-cf", archive, "."], check=True)
    return archive


def others(
    runtimes: dict[str, contestants.Runtime], ground: Ground, archive: Path, stack: ExitStack
) -> dict[str, list[str]]:
    """Ways to run ``/bin/true`` that have no engine, the kernel's floor among them: by name their command lines."""
    found = {"floor": [contestants.compile_floor(ground.place), str(ground.rootfs), "/bin/true"]}
    crun = runtimes.get("crun")
    if crun is not None:
        bundle = ground.bundle("crun", ["/bin/true"], cgroup=False)
        found["crun"] = crun.argv(ground.place / "state", "run", "--bundle", bundle, "bench-engine")
        if shutil.which("podman") and shutil.which("conmon"):
            podman = stack.enter_context(managers.podman([crun]))
            podman.load(archive)
            found["podman"] = podman.argv("crun")
    return found


# --- what comes out ---------------------------------------------------------------------------


def times(samples: measure.Samples) -> Table:
    """Medians in ms, and how far the slowest lives are from theirs."""
    table: Table = {}
    for (row, name), walls in samples.wall_ms.items():
        median = measure.quantile(walls, 0.5)
        table.setdefault(row, {})[name] = median
        if row == "life":
            table.setdefault(P99, {})[name] = measure.quantile(walls, 0.99) / median
    return table


def lines(table: Table) -> Iterator[str]:
    """A line a row, and Rung's share of Docker's."""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    yield f"{'ms, where nothing else is said':32}" + "".join(f"{name:>10}" for name in names) + f"{'of docker':>11}"
    for row, cells in table.items():
        line = f"{row:32}" + "".join(f"{cells[name]:>10.2f}" if name in cells else f"{'-':>10}" for name in names)
        both = "rungd" in cells and cells.get("dockerd")
        yield line + (f"{cells['rungd'] / cells['dockerd']:>11.3f}" if both else "")


def promises(table: Table) -> Iterator[limits.Limit]:
    """What was promised of what was measured."""
    for what, value, bound, aim in BOUNDS:
        try:
            got = value(table)
        except KeyError:
            continue  # a row or an engine that was left out
        yield limits.Limit(what, got, bound, aim, what in AT_LEAST)


if __name__ == "__main__":
    sys.exit(main())
