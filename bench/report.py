"""The table that people read, the bounds, and the comparison with an earlier run.

Contestants: the kernel's ``floor``; ``python``, which does nothing; ``rung`` as it is installed, with its warm
server, whose CPU counts; ``cold``, the same with ``RUNG_WARM=off``; ``runc`` and ``crun``; ``off``, without recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from limits import Limit

Medians = dict[str, dict[str, dict[str, float]]]

ORDER = ("floor", "python", "rung", "cold", "off", "runc", "crun")
LIFE = ("create", "start", "state", "kill", "delete")
WALL, CPU = "wall_ms", "cpu_ms"

#: (rows, contestant, measure, bound, aim, times whose; None: ms).
BOUNDS: tuple[tuple[tuple[str, ...], str, str, float, float | None, str | None], ...] = (
    (("run",), "cold", WALL, 0.5, 0.4, "runc"),
    (("run",), "cold", CPU, 0.6, None, "runc"),
    (("create",), "cold", CPU, 0.8, None, "runc"),
    (("exec",), "cold", CPU, 0.8, None, "runc"),
    *(((row,), "cold", CPU, 1.4, None, "python") for row in ("start", "state", "kill", "delete")),
    (LIFE, "rung", CPU, 0.5, None, "runc"),
    (LIFE, "rung", CPU, 1.2, None, "crun"),
    (("exec",), "rung", CPU, 0.4, None, "runc"),
    (("docker run",), "rung", WALL, 1.0, None, "runc"),
    (("podman run",), "rung", WALL, 1.0, None, "runc"),
    (("library",), "rung", WALL, 1.8, 1.4, "floor"),
    (("recording",), "rung", CPU, 1.03, None, "off"),
    (("list",), "rung", WALL, 150, None, None),
    (("list",), "cold", WALL, 150, None, None),
)

#: What may be resident, in KiB: (what, whose, limit).
RESIDENT = (
    ("rung-init while it waits", ("rung", "cold"), 1024),
    ("a cold command", ("cold create", "cold state", "cold start", "cold exec", "cold kill", "cold delete"), 20 * 1024),
    ("the warm server, all its workers", ("server",), 25 * 1024),
)


def table(medians: Medians) -> Iterator[str]:
    """A line a row: wall and CPU medians in ms, and Rung's ratios."""
    names = [name for name in ORDER if any(name in row for row in medians.values())]
    heads = "".join(f"{name + ' wall/cpu':>18}" for name in names)
    yield f"{'ms':11}{heads}{'rung/runc':>11}{'cold/runc':>11}"
    for row, cells in medians.items():
        line = f"{row:11}"
        for name in names:
            cell = cells.get(name)
            line += f"{cell[WALL]:>9.2f} /{cell[CPU]:>7.2f}" if cell else f"{'-':>18}"
        ratios = (ratio(medians, (row,), name, WALL, "runc") for name in ("rung", "cold"))
        yield line + "".join(f"{'-' if each is None else f'{each:.2f}':>11}" for each in ratios)


def total(medians: Medians, rows: Iterable[str], name: str, measure: str) -> float | None:
    """Of all these rows; None where one was not measured."""
    cells = [medians.get(row, {}).get(name) for row in rows]
    return None if None in cells else sum(cell[measure] for cell in cells if cell)


def ratio(medians: Medians, rows: Iterable[str], name: str, measure: str, peer: str) -> float | None:
    """A contestant's over a peer's."""
    rows = tuple(rows)
    ours, theirs = (total(medians, rows, each, measure) for each in (name, peer))
    return ours / theirs if ours is not None and theirs else None


def limits(medians: Medians, rss_kib: dict[str, int]) -> Iterator[Limit]:
    """What was promised of what was measured."""
    for rows, name, measure, bound, aim, peer in BOUNDS:
        got = ratio(medians, rows, name, measure, peer) if peer else total(medians, rows, name, measure)
        if got is not None:
            unit = f"of {peer}" if peer else "ms"
            yield Limit(f"{name}: {'+'.join(rows)}, {'wall' if measure == WALL else 'CPU'}, {unit}", got, bound, aim)
    for what, whose, most in RESIDENT:
        found = [rss_kib[each] for each in whose if each in rss_kib]
        if found:
            yield Limit(f"resident, {what}, KiB", max(found), most)


def compare(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Rung's cells then and now. Ratios to runc are the steadier figure across machines."""
    for row, cells in new["medians"].items():
        for name in ("rung", "cold"):
            before, now = old["medians"].get(row, {}).get(name), cells.get(name)
            if before and now:
                line = f"{row:9} {name:5} {before[WALL]:8.2f} -> {now[WALL]:8.2f} ms"
                then, here = (ratio(each["medians"], (row,), name, WALL, "runc") for each in (old, new))
                yield line + (f"   {then:.2f} -> {here:.2f} x runc" if then and here else "")
