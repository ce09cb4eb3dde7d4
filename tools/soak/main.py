#!/usr/bin/env python3
"""``make soak``: see ``__init__.py``. Prints its seed first; the exit status is 1 where anything does not hold.

tools/soak/main.py --seconds 3600 [--seed N] [--clients 4] [--kill-every 3.0] [--json FILE] [--keep-log FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tools")]

import engineparts  # noqa: E402
from soak import leftovers, memory, report  # noqa: E402
from soak.clients import Clients, warm_up  # noqa: E402
from soak.events import Events  # noqa: E402
from soak.kills import Killer  # noqa: E402
from soak.record import Record  # noqa: E402
from soak.subject import Subject, make_subject  # noqa: E402

#: How much more memory the last stretch may end with than it began with, and how long it must be for that to be judged.
GROWTH, JUDGED_S = 0.05, 90.0
SETTLE_S = 60.0
SAMPLES_S = 10.0


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"soak: seed {seed}, {options.seconds} s", flush=True)
    busybox = Path(shutil.which("busybox", path="/usr/bin:/bin") or "busybox").resolve()
    record = Record()
    with make_subject(engineparts.image_archive(busybox)) as subject:
        try:
            found = soak(subject, record, seed, options)
        finally:
            if options.keep_log:
                shutil.copy(subject.folder / "log", options.keep_log)
    print(report.text(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 0 if report.good(found) else 1


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--kill-every", type=float, default=3.0, metavar="SECONDS")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep-log", type=Path, help="Copy the engine's log to this file")
    return parser.parse_args(arguments)


def soak(subject: Subject, record: Record, seed: int, options: argparse.Namespace) -> report.Report:
    """Two phases: kills of everything; then one engine that is not killed, whose memory is measured."""
    last_s = max(0.3 * options.seconds, min(0.5 * options.seconds, 150.0))
    warm_up(subject)
    before = leftovers.take(subject)
    clients = Clients(subject, record, seed, options.clients)
    killer = Killer(subject, record, f"{seed} killer", options.kill_every)
    events = Events(subject, record)
    events.start()
    killer.start()
    try:
        clients.work(options.seconds - last_s, "a", lambda: sample(subject, record))
    finally:
        killer.stop()
        events.stop()
    subject.stop()
    events.join()
    subject.start()
    measured = last_stretch(subject, record, seed, options, clients, last_s)
    prune_anonymous_volumes(subject, record)
    leaks = leftovers.compare(subject, before)
    more = compare_descriptors(subject)
    if more:
        leaks["descriptors of the engine"] = more
    check_log(subject, record)
    return report.assemble(record, seed, leaks, measured)


def last_stretch(
    subject: Subject, record: Record, seed: int, options: argparse.Namespace, clients: Clients, last_s: float
) -> dict[str, Any]:
    """Memory of one engine: after its first minute, and at the end, each time without containers."""
    settle_s = min(SETTLE_S, last_s / 3)
    killer = Killer(subject, record, f"{seed} last", options.kill_every, ("shim",))
    killer.start()
    try:
        clients.work(settle_s, "b", lambda: sample(subject, record))
        first = memory.measure(subject)
        clients.work(last_s - settle_s, "c", lambda: sample(subject, record))
        last = memory.measure(subject)
    finally:
        killer.stop()
    grown = sum(last.values()) / sum(first.values()) - 1
    if grown > GROWTH and last_s >= JUDGED_S:
        record.fault(f"memory grew by {grown:.1%}: {first} after {settle_s:.0f} s, {last} after {last_s:.0f} s")
    return {"first": first, "last": last, "growth": f"{grown:.1%}", "over time": record.memory}


def sample(subject: Subject, record: Record) -> None:
    """Memory now, under load."""
    now = time.monotonic()
    if not record.memory or now - record.began - record.memory[-1]["at_s"] >= SAMPLES_S:
        record.memory.append({"at_s": round(now - record.began, 1), "lives": record.lives, **memory.measure(subject)})


def compare_descriptors(subject: Subject) -> list[str]:
    """What the engine holds that a fresh one after the same warm-up does not."""
    assert subject.daemon is not None
    gc.collect()  # connections that an exception's frames still have
    warm_up(subject)
    old = leftovers.lasting_descriptors(subject.daemon.pid)
    subject.stop()
    subject.start()
    warm_up(subject)
    fresh = leftovers.descriptors(subject.daemon.pid)
    return [f"{count} more of {name}" for name, count in (old - fresh).items()]


def prune_anonymous_volumes(subject: Subject, record: Record) -> None:
    """Of containers that a kill kept from being made: their volumes stay, as with dockerd, until somebody prunes."""
    found = subject.ask("POST", "/volumes/prune")["VolumesDeleted"] or []
    if found:
        record.errors["anonymous volumes without a container, pruned at the end"] += len(found)


def check_log(subject: Subject, record: Record) -> None:
    """Tracebacks in the engine's log are faults."""
    lines = (subject.folder / "log").read_text(errors="replace").splitlines()
    for number, line in enumerate(lines):
        if "Traceback" in line or "never retrieved" in line:
            record.fault("the engine's log: " + " | ".join(lines[number : number + 30]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
