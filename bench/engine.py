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
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import contestants
import engines
import managers
import measure
from bundles import Ground
from enginerows import LINES_BYTES, ONCE, ROUNDS, Bench
from main import WARM_UP, hide_what_others_share, in_own_namespaces

Table = dict[str, dict[str, float]]

#: (row, limit, times whose; None: itself). A rate, or a count, is to be at least the limit.
BOUNDS: tuple[tuple[str, float, str | None], ...] = (
    ("life", 10.0, None),
    ("life", 1.0, "crun"),
    ("life: p99 to median", 3.0, None),
    ("run", 0.2, "dockerd"),
    ("rung run", 40.0, None),
    ("exec", 0.25, "dockerd"),
    ("shim: start", 1.0, "dockerd"),
    ("shim: delete", 1.0, "dockerd"),
    ("crowd: starts a second", 10.0, "dockerd"),
    ("crowd: slowest ping, ms", 50.0, None),
    ("memory: idle, MB", 60.0, None),
    ("memory: a shim, MB", 2.5, None),
    ("many: engine with 500, MB", 100.0, None),
    ("many: run", 1000.0, None),
    ("idle: CPU, % of a core", 0.5, None),
    ("logs: write", 0.25, "dockerd"),
    ("logs: read", 0.1, "dockerd"),
    ("logs: tail 10", 20.0, None),
    ("attached", 1.0, "dockerd"),
)
AT_LEAST = ("crowd: starts a second", "many: run")
P99 = "life: p99 to median"


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
    held = list(bounds(table))
    for sentence, good in held:
        print(f"{'holds' if good else 'BROKEN':7} {sentence}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=1) + "\n")
    return 0 if all(good for _, good in held) else 1


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the engine and its peers.")
    known = [*ROUNDS, *ONCE]
    parser.add_argument("--rounds", type=int, default=20, help="of life, run and exec")
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
    """Ways to run ``/bin/true`` that have no engine: by name their command lines."""
    found = {}
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


def bounds(table: Table) -> Iterator[tuple[str, bool]]:
    """What was promised, with what was measured: ``(sentence, held)``."""
    for row, limit, peer in BOUNDS:
        cells = table.get(row, {})
        if "rungd" not in cells or (peer is not None and not cells.get(peer)):
            continue
        got = cells["rungd"] / (cells[peer] if peer else 1.0)
        held = got >= limit if row in AT_LEAST else got <= limit
        word = "at least" if row in AT_LEAST else "at most"
        yield f"{row}, {word} {limit:g}{f' x {peer}' if peer else ''}: {got:.2f}", held


if __name__ == "__main__":
    sys.exit(main())
