"""How long it takes to look at images: a list of a thousand, into a large one, at its packages.

    make bench-images          # runs this behind the pulls
    .venv/bin/python bench/looking.py --rounds 9

The large image is the case ``python`` of ``imagecases``. Figures are medians of whole commands, the interpreter's start
included; the store lies in memory.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import imagecases
import measure

KEPT = Path(__file__).resolve().parents[1] / "build/bench-images"
IMAGES = 1000
#: command -> milliseconds that it may take; None: only shown
BOUNDS = {
    f"rung images, of {IMAGES:,}": 100.0,
    "rung image explore python": 3000.0,
    "rung image explore --html": None,
    "rung image scan --packages python": None,
}


def run(rounds: int, on: str) -> dict[str, float]:
    """Median wall time of each command in milliseconds."""
    program = shutil.which("rung", path=f"{Path(sys.executable).parent}") or "rung"
    layout = imagecases.layout("python", KEPT)
    place = Path(tempfile.mkdtemp(prefix="rung-bench-", dir=on))
    try:
        large, many = ([program, "--data-root", f"{place}/{name}", "image"] for name in ("large", "many"))
        measure.call([*large, "copy", "-q", f"oci:{layout}:1", "store:python:1"])
        fill(place / "many")
        commands = (
            [*many, "ls"],
            [*large, "explore", "python:1"],
            [*large, "explore", "--html", f"{place}/page.html", "python:1"],
            [*large, "scan", "--packages", "python:1"],
        )
        meter = measure.CpuMeter()
        samples = measure.Samples(meter)
        try:
            for _ in range(rounds):
                for name, words in zip(BOUNDS, commands):
                    samples.time(name, "rung", lambda words=words: measure.call(words))  # type: ignore[misc]
            return {name: row["rung"]["wall_ms"] for name, row in samples.medians().items()}
        finally:
            meter.close()
    finally:
        shutil.rmtree(place)


def fill(root: Path) -> None:
    """A store with so many images: busybox, and names for it."""
    code = f"""
from rung.image import Store
with Store({str(root)!r}) as store:
    store.bootstrap("busybox")
    for number in range({IMAGES - 1}):
        store.tag("busybox", f"example.org/group-{{number % 50}}/image-{{number}}:1")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def report(figures: dict[str, float]) -> Iterator[str]:
    """A line for each."""
    for name, figure in figures.items():
        bound = BOUNDS[name]
        verdict = "" if bound is None else "holds" if figure <= bound else "BROKEN"
        limit = "" if bound is None else f" (at most {bound:g})"
        yield f"{verdict:<8}{figure:7.0f} ms{limit}  {name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", default="/dev/shm", help="where the stores lie (%(default)s)")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    for line in report(run(options.rounds, options.on)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
