"""An exploration as plain text: a table of layers, then what is wasted."""

from __future__ import annotations

from rung.image.explore.sizes import human
from rung.image.layer.names import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.explore.analysis import Analysis

_COMMAND_WIDTH = 60


def text(name: str, id: str, analysis: Analysis, rows: int) -> str:
    """Lines for a person; ``rows``: how many of the wasted paths."""
    lines = [
        f"Image:      {name} ({id.partition(':')[2][:12]})",
        f"Size:       {human(analysis.size_bytes)} in {len(analysis.layers)} layer{'s'[: len(analysis.layers) != 1]}",
        f"Efficiency: {analysis.efficiency * 100:.2f} %",
        f"Wasted:     {human(analysis.wasted_bytes)} in {len(analysis.wasted)} path{'s'[: len(analysis.wasted) != 1]}",
        "",
        f"{'LAYER':>5}  {'SIZE':>8}  {'ADDED':>6}  {'CHANGED':>7}  {'REMOVED':>7}  {'HIDES':>8}  COMMAND",
    ]
    for report in analysis.layers:
        lines.append(
            f"{report.layer.index:>5}  {human(report.size_bytes):>8}  {report.added:>6}  {report.changed:>7}"
            f"  {report.removed:>7}  {human(report.hidden_bytes):>8}  {short_command(report.layer.command)}".rstrip()
        )
    if analysis.wasted:
        lines += ["", f"{'WASTED':>8}  {'TIMES':>5}  {'BY LAYER':<8}  PATH"]
    for waste in analysis.wasted[:rows]:
        by = ",".join(map(str, waste.layers))
        what = " (removed)" if waste.removed else ""
        lines.append(f"{human(waste.size_bytes):>8}  {waste.count:>5}  {by:<8}  /{show(waste.path)}{what}")
    if len(analysis.wasted) > rows:
        left = analysis.wasted[rows:]
        lines.append(f"{human(sum(one.size_bytes for one in left)):>8}  in {len(left)} more paths (--json has all)")
    return "\n".join(lines) + "\n"


def short_command(command: str, width: int = _COMMAND_WIDTH) -> str:
    """A layer's command on one line, without what builders put before it."""
    words = " ".join(command.split()).removeprefix("/bin/sh -c #(nop) ").removeprefix("/bin/sh -c ")
    words = "".join(c if c.isprintable() else "?" for c in words.strip())
    return words if len(words) <= width else words[: width - 3] + "..."
