"""The table that people read, the bounds, and the comparison with an earlier run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Medians = dict[str, dict[str, dict[str, float]]]

ORDER = ("floor", "rung", "runc", "crun")


def table(medians: Medians) -> Iterator[str]:
    """A line a row: wall and CPU medians in ms, and Rung's ratios."""
    names = [name for name in ORDER if any(name in row for row in medians.values())]
    heads = "".join(f"{name + ' wall/cpu':>20}" for name in names)
    yield f"{'ms':9}{heads}{'rung/runc':>12}{'rung/floor':>12}"
    for row, cells in medians.items():
        line = f"{row:9}"
        for name in names:
            cell = cells.get(name)
            line += f"{cell['wall_ms']:>11.2f} /{cell['cpu_ms']:>7.2f}" if cell else f"{'-':>20}"
        yield line + "".join(f"{_text(ratio(medians, row, peer)):>12}" for peer in ("runc", "floor"))


def ratio(medians: Medians, row: str, peer: str) -> float | None:
    """Rung's wall time over a peer's."""
    cells = medians.get(row, {})
    if "rung" not in cells or peer not in cells:
        return None
    return cells["rung"]["wall_ms"] / cells[peer]["wall_ms"]


def bounds(medians: Medians, rss_kib: dict[str, int]) -> Iterator[tuple[str, bool]]:
    """What was promised, with what was measured: ``(sentence, held)``."""
    for row, peer, limit in (("run", "runc", 0.6), ("run", "runc", 0.4), ("library", "floor", 3.0)):
        got = ratio(medians, row, peer)
        if got is not None:
            aim = " (the aim)" if limit == 0.4 else ""
            yield f"{row} under {limit} x {peer}{aim}: {got:.2f}", got < limit
    if "rung" in rss_kib:
        kib = rss_kib["rung"]
        yield f"rung-init resident at most 1024 KiB while it waits: {kib}", kib <= 1024


def compare(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Rung's cells then and now. Ratios to runc are the steadier figure across machines."""
    for row, cells in new["medians"].items():
        before, now = old["medians"].get(row, {}).get("rung"), cells.get("rung")
        if before and now:
            line = f"{row:9} {before['wall_ms']:8.2f} -> {now['wall_ms']:8.2f} ms"
            then, here = ratio(old["medians"], row, "runc"), ratio(new["medians"], row, "runc")
            yield line + (f"   {then:.2f} -> {here:.2f} x runc" if then and here else "")


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
