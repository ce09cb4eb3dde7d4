"""An exploration as one page: numbers, layers, wastes, and the files as a treemap.

Rule: nothing is loaded from elsewhere and no script runs; every text of the image's is escaped
(names in an image are a stranger's).
"""

from __future__ import annotations

from html import escape

from rung.image.explore.document import printable
from rung.image.explore.sizes import human
from rung.image.explore.text import short_command
from rung.image.explore.tree import stacked
from rung.image.explore.treemap import TITLE_ROOM, Cell, cells
from rung.image.layer.names import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.explore.analysis import Analysis

_WIDTH, _HEIGHT = 1200, 700
_WASTES = 200
_FILE_TITLE_ROOM = (48.0, 24.0)
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
dl{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:1rem 0}dt{opacity:.7;font-size:.85rem}
dd{margin:0;font-size:1.3rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid #8884;white-space:nowrap}
th:last-child,td:last-child{text-align:left;width:100%;white-space:normal;overflow-wrap:anywhere}
td:last-child{font-family:ui-monospace,monospace;font-size:.85em}
svg{width:100%;height:auto;display:block}svg text{font:10px system-ui,sans-serif;fill:#000;pointer-events:none}
rect{stroke:#fff;stroke-width:.5}rect.d{fill:#8883}rect:hover{stroke:#000;stroke-width:1.5}
i{display:inline-block;width:.8em;height:.8em;border-radius:2px}
"""


def html(name: str, id: str, analysis: Analysis) -> str:
    """The page."""
    figures = {
        "size": human(analysis.size_bytes),
        "layers": str(len(analysis.layers)),
        "efficiency": f"{analysis.efficiency * 100:.2f} %",
        "wasted": human(analysis.wasted_bytes),
        "image ID": id.partition(":")[2][:12],
    }
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(name)}</title><style>{_STYLE}</style>\n<h1>{escape(name)}</h1>\n<dl>",
            *(f"<div><dt>{key}</dt><dd>{escape(value)}</dd></div>" for key, value in figures.items()),
            "</dl>\n<h2>Files, by the layer that brought them</h2>\n",
            *_picture(analysis),
            "\n<h2>Layers</h2>\n",
            *_layers(analysis),
            *_wastes(analysis),
            "</html>\n",
        )
    )


def _picture(analysis: Analysis) -> list[str]:
    root = stacked(analysis.listings)
    label = "the image's files as a treemap"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">']
    parts += [_cell(cell) for cell in cells(root, _WIDTH, _HEIGHT)]
    return [*parts, "</svg>"]


def _cell(cell: Cell) -> str:
    x, y, width, height = cell.box
    fill = f' fill="{colour(cell.layer)}"' if cell.layer >= 0 else ' class="d"'
    where = "/" + escape(printable(cell.path), quote=True)
    what = f"{where} ({cell.count} small files)" if cell.layer == -2 else where
    from_layer = f", layer {cell.layer}" if cell.layer >= 0 else ""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    text = ""
    room_for_title = TITLE_ROOM if cell.layer == -1 else _FILE_TITLE_ROOM
    if width >= room_for_title[0] and height >= room_for_title[1] and cell.layer != -2:
        last = show(cell.path.rpartition(b"/")[2])
        room = int(width / 5.6)
        title = last if len(last) <= room else last[: room - 1] + "…"
        text = f'<text x="{x + 2:.1f}" y="{y + 10:.1f}">{escape(title)}</text>'
    return f"<rect {box}{fill}><title>{what}: {human(cell.size_bytes)}{from_layer}</title></rect>{text}\n"


def colour(layer: int) -> str:
    """A layer's: neighbours are far apart on the circle of hues."""
    return f"hsl({layer * 137.5 % 360:.0f} 60% 65%)"


def _layers(analysis: Analysis) -> list[str]:
    heads = ("", "layer", "size", "added", "changed", "removed", "hides", "command")
    rows = ["<table><tr>", *(f"<th>{head}</th>" for head in heads), "</tr>"]
    for report in analysis.layers:
        values = (report.layer.index, human(report.size_bytes), report.added, report.changed, report.removed)
        command = escape(short_command(report.layer.command, 400))
        rows.append(f'<tr><td><i style="background:{colour(report.layer.index)}"></i></td>')
        rows += [f"<td>{value}</td>" for value in values]
        rows.append(f"<td>{human(report.hidden_bytes)}</td><td>{command}</td></tr>\n")
    return [*rows, "</table>\n"]


def _wastes(analysis: Analysis) -> list[str]:
    if not analysis.wasted:
        return ["<h2>Nothing is wasted</h2>\n"]
    rows = ["<h2>Wasted: overwritten or removed by later layers</h2>\n<table><tr>"]
    rows += [f"<th>{head}</th>" for head in ("bytes", "times", "by layer", "", "path")] + ["</tr>"]
    for waste in analysis.wasted[:_WASTES]:
        how = "removed" if waste.removed else "overwritten"
        by = ", ".join(map(str, waste.layers))
        path = escape(show(waste.path))
        rows.append(
            f"<tr><td>{human(waste.size_bytes)}</td><td>{waste.count}</td><td>{by}</td><td>{how}</td>"
            f"<td>/{path}</td></tr>\n"
        )
    left = analysis.wasted[_WASTES:]
    if left:
        size = human(sum(one.size_bytes for one in left))
        rows.append(f"<tr><td>{size}</td><td colspan=3></td><td>in {len(left)} more paths</td></tr>\n")
    return [*rows, "</table>\n"]
