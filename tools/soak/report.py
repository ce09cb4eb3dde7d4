"""The report: a dictionary for programs, and the same as text."""

from __future__ import annotations

import time
from typing import Any

from soak.record import Record

Report = dict[str, Any]


def assemble(record: Record, seed: int, leaks: dict[str, list[str]], memory: dict[str, Any]) -> Report:
    """All that a run has found."""
    return {
        "seed": seed,
        "seconds": round(time.monotonic() - record.began, 1),
        "lives": record.lives,
        "kills": dict(record.kill_counts.most_common()),
        "verbs": dict(record.verbs.most_common()),
        "events": dict(record.events.most_common()),
        "errors": dict(record.errors.most_common()),
        "faults": record.faults,
        "leaks": leaks,
        "memory": memory,
    }


def good(report: Report) -> bool:
    """Whether everything holds."""
    return not report["faults"] and not report["leaks"]


def text(report: Report) -> str:
    """For people."""
    kills = sum(report["kills"].values())
    lines = [f"soak with seed {report['seed']}: {report['lives']} lives, {kills} kills, {report['seconds']} s"]
    for title in ("kills", "verbs", "events", "errors"):
        lines.append(f"{title}: {sum(report[title].values())}")
        lines += [f"  {count:7}  {name}" for name, count in report[title].items()]
    lines.append("memory, KiB (Pss):")
    lines += [f"  {name}: {value}" for name, value in report["memory"].items()]
    lines.append(f"leaks: {sum(map(len, report['leaks'].values()))}")
    lines += [f"  {kind}: {name}" for kind, names in report["leaks"].items() for name in names[:50]]
    lines.append(f"faults: {len(report['faults'])}")
    lines += [f"  {fault}" for fault in report["faults"][:100]]
    lines.append("good" if good(report) else "NOT GOOD")
    return "\n".join(lines)
