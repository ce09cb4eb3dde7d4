"""Rung and its peers side by side, interleaved in one run: ``make bench``.

    python bench/main.py [--rounds N] [--rows run,lifecycle,library] [--json FILE] [--compare FILE]

Exits with 1 when a bound of the project does not hold (an aim may be missed).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import contestants
import limits
import measure
import report
import server
from bundles import Ground
from rows import ROWS, Bench

WARM_UP = 3
CLONE_NEWNS, CLONE_NEWPID = 0x20000, 0x20000000
MS_REC, MS_SLAVE = 0x4000, 0x80000


def main() -> int:
    """Measure, print, save, compare."""
    options = parse()
    if os.geteuid() != 0:
        sys.exit("bench: containers need root here")
    if os.getpid() != 1:
        return in_own_namespaces()
    hide_what_others_share()
    runtimes = contestants.installed()
    if not runtimes:
        sys.exit("bench: no runtime to measure: neither rung-runtime beside this Python, nor runc, nor crun")
    result = measure_all(runtimes, options)
    print(*report.table(result["medians"]), sep="\n")
    print("resident while waiting, KiB: " + ", ".join(f"{k} {v}" for k, v in result["rss_kib"].items()))
    promised = list(report.limits(result["medians"], result["rss_kib"]))
    print(*limits.lines(promised), sep="\n")
    if options.compare:
        print(*report.compare(json.loads(options.compare.read_text()), result), sep="\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(one.holds for one in promised) else 1


def in_own_namespaces() -> int:
    """Start this program anew as process 1 of a pid and a mount namespace: a warm server that is measured is
    of that process 1, containers whose runtime is gone are its children, and all ends with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWPID) or libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None):
        raise OSError(ctypes.get_errno(), "namespaces of its own")
    bench = subprocess.Popen([sys.executable, *sys.argv])
    while True:
        try:
            return bench.wait()
        except KeyboardInterrupt:  # it hears it, too
            continue


def hide_what_others_share() -> None:
    """Own /proc and /run/rung. Where cgroups are hybrid, the v2 hierarchy is hidden
    from everyone measured, because crun refuses to work beside it."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.makedirs("/run/rung", exist_ok=True)
    for kind, place in ((b"proc", b"/proc"), (b"tmpfs", b"/run/rung")):
        if libc.mount(b"none", place, kind, 0, None):
            raise OSError(ctypes.get_errno(), f"mount on {place.decode()}")
    if os.path.ismount("/sys/fs/cgroup/unified"):
        print("hybrid cgroups: measured without the v2 hierarchy, which crun refuses")
        libc.umount2(b"/sys/fs/cgroup/unified", 0)
        # crun goes on to write files there: on a file system that ends with this namespace
        libc.mount(b"none", b"/sys/fs/cgroup/unified", b"tmpfs", 0, None)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure Rung, its peers and the kernel's floor.")
    parser.add_argument("--rounds", type=int, default=30, help="of every row, at most 500")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=list(ROWS))
    parser.add_argument("--json", type=Path, help="save the result")
    parser.add_argument("--compare", type=Path, help="with a saved result")
    options = parser.parse_args()
    options.rounds = max(1, min(options.rounds, 500))
    unknown = set(options.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))} (there are {', '.join(ROWS)})")
    return options


def measure_all(runtimes: list[contestants.Runtime], options: argparse.Namespace) -> dict[str, Any]:
    """Every row, round after round; the first rounds warm up and do not count."""
    spec = next((r for r in runtimes if r.name == "runc"), runtimes[0])
    meter = measure.CpuMeter()
    ground = Ground([spec.program, "spec"], contestants.busybox())
    bench = None
    try:
        floor = contestants.compile_floor(ground.place)
        bench = Bench(runtimes, floor, ground, measure.Samples(meter))
        for number in range(WARM_UP + options.rounds):
            if number == WARM_UP:
                bench.samples = measure.Samples(meter)
                meter.adopt(server.pids())
            bench.round = number
            for name in options.rows:
                ROWS[name](bench)
        return {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
            "versions": {runtime.name: runtime.version() for runtime in runtimes},
            "medians": bench.samples.medians(),
            "rss_kib": {name: int(statistics.median(kib)) for name, kib in bench.rss_kib.items()},
        }
    except measure.Failed as error:
        sys.exit(f"bench: {error}")
    finally:
        if bench is not None:
            bench.abandon()
        ground.close()
        meter.close()


if __name__ == "__main__":
    sys.exit(main())
