"""The browser's screen as data: lines of styled pieces of text.

Pure: a state in, lines out; whoever has a terminal puts them there. Names in an image are a stranger's
and shown so that they cannot write to the terminal.
"""

from __future__ import annotations

import unicodedata

from rung.image.explore.browser.state import FILES, LAYERS, State
from rung.image.explore.sizes import human
from rung.image.explore.text import short_command
from rung.image.explore.tree import ADDED, MODIFIED, REMOVED, UNMODIFIED
from rung.image.layer.names import show
from rung.image.layer.tar import BLOCK, CHAR, DIRECTORY, FIFO, HARD_LINK, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.image.explore.browser.rows import Row, View
    from rung.image.explore.tree import Node

    #: Text and its style; a line is several.
    Piece = tuple[str, str]
    Line = list[Piece]

PLAIN, TITLE, CURSOR, DIM = "plain", "title", "cursor", "dim"
STYLE_OF = {UNMODIFIED: PLAIN, ADDED: "added", MODIFIED: "modified", REMOVED: "removed"}
_LETTERS = {DIRECTORY: "d", SYMLINK: "l", CHAR: "c", BLOCK: "b", FIFO: "p"}
_HEAD, _FOOT = 2, 1  # lines above and below the panes
_SMALLEST = (40, 8)


def page(height: int) -> int:
    """How many rows of the file pane fit on a screen of that height."""
    return max(1, height - _HEAD - _FOOT)


def screen(view: View, state: State, width: int, height: int) -> list[Line]:
    """Exactly ``height`` lines, none wider than ``width`` columns."""
    if width < _SMALLEST[0] or height < _SMALLEST[1]:
        return [[(fit("the window is too small", width), PLAIN)], *([[]] * (height - 1))][:height]
    left = min(60, width * 2 // 5)
    panes = zip(_left(view, state, left - 1, height - _FOOT), _files(view, state, width - left, height - _FOOT))
    lines = [[*_padded(one, left - 1), ("│", DIM), *other] for one, other in panes]
    return [*lines, [(fit(_foot(state), width), DIM)]]


def fit(text: str, width: int) -> str:
    """As much of a text as so many columns hold."""
    if text.isascii():
        return text[: max(0, width)]
    out, used = [], 0
    for letter in text:
        used += columns(letter)
        if used > width:
            break
        out.append(letter)
    return "".join(out)


def columns(text: str) -> int:
    """How wide a text is on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _padded(line: Line, width: int) -> Line:
    used = sum(columns(text) for text, _ in line)
    return [*line, (" " * (width - used), PLAIN)] if used < width else line


def _filled(lines: list[Line], height: int) -> list[Line]:
    return (lines + [[] for _ in range(height - len(lines))])[:height]


# --- the left side ---------------------------------------------------------------------


def _left(view: View, state: State, width: int, height: int) -> list[Line]:
    details = [*_layer_details(view, state, width), [], *_image_details(view, width)]
    room = max(3, min(view.layers + 2, height - len(details) - 1, height // 2))
    return _filled([*_layers(view, state, width, room), [], *details], height)


def _layers(view: View, state: State, width: int, height: int) -> list[Line]:
    style = TITLE if state.pane == LAYERS else PLAIN
    lines: list[Line] = [[(fit("Layers", width), style)], [(fit("      Size  Command", width), DIM)]]
    first = max(0, min(state.layer - (height - 2) // 2, view.layers - (height - 2)))
    for report in view.analysis.layers[first : first + height - 2]:
        at = report.layer.index
        compared = at == state.layer or (state.aggregated and 0 < at <= state.layer)
        text = f"{'▶' if compared else ' '} {human(report.size_bytes):>8}  {short_command(report.layer.command, 400)}"
        style = CURSOR if at == state.layer else PLAIN
        lines.append([(fit(text.ljust(width), width), style)])
    return lines


def _layer_details(view: View, state: State, width: int) -> list[Line]:
    lines: list[Line] = [[(fit("Layer details", width), TITLE)]]
    if not view.layers:
        return lines
    report = view.analysis.layers[state.layer]
    counts = f"{report.added} added, {report.changed} changed, {report.removed} removed"
    facts = [
        f"Digest:  {report.layer.digest}",
        f"Changes: {counts}",
        f"Hides:   {human(report.hidden_bytes)} of lower layers",
        f"Command: {short_command(report.layer.command, 2 * width)}",
    ]
    return [*lines, *([(piece, PLAIN)] for fact in facts for piece in _wrapped(fact, width))]


def _wrapped(text: str, width: int) -> Iterable[str]:
    yield fit(text, width)
    rest = text[len(fit(text, width)) :]
    if rest:
        yield fit(rest, width)


def _image_details(view: View, width: int) -> list[Line]:
    analysis = view.analysis
    lines: list[Line] = [[(fit("Image details", width), TITLE)]]
    facts = [
        f"Image:      {view.name}",
        f"Size:       {human(analysis.size_bytes)}",
        f"Wasted:     {human(analysis.wasted_bytes)}",
        f"Efficiency: {analysis.efficiency * 100:.0f} %",
    ]
    lines += [[(fit(fact, width), PLAIN)] for fact in facts]
    if analysis.wasted:
        lines.append([(fit("  Wasted  Times  Path", width), DIM)])
    for waste in analysis.wasted[:10]:
        text = f"{human(waste.size_bytes):>8}  {waste.count:>5}  /{show(waste.path)}"
        lines.append([(fit(text, width), PLAIN)])
    return lines


# --- the files -------------------------------------------------------------------------


def _files(view: View, state: State, width: int, height: int) -> list[Line]:
    what = "all layers' changes" if state.aggregated else "the layer's changes"
    title = f"Files ({what})"
    if state.typing or state.filter:
        title += f"  filter: {state.filter}{'_' * state.typing}"
    head = "Permission     UID:GID       Size  Tree" if state.attributes else "Tree"
    style = TITLE if state.pane == FILES else PLAIN
    lines: list[Line] = [[(fit(title, width), style)], [(fit(head, width), DIM)]]
    rows = view.rows(state)
    if not rows:
        lines.append([(fit("nothing to show", width), DIM)])
        return _filled(lines, height)
    sizes = view.tree(state)[1]
    for at in range(state.top, min(len(rows), state.top + height - _HEAD)):
        cursor = at == state.row and state.pane == FILES
        lines.append(_file(rows[at], sizes[id(rows[at].node)], width, cursor=cursor, attributes=state.attributes))
    return _filled(lines, height)


def _file(row: Row, size: int, width: int, *, cursor: bool, attributes: bool) -> Line:
    node = row.node
    facts = f"{_mode(node):<10}  {_owner(node):>10}  {human(size):>9}  " if attributes else ""
    mark = "⊕ " if row.closed else ""
    name = show(node.name)
    if node.file and node.file.type in (SYMLINK, HARD_LINK):
        name += f" {'→' if node.file.type == SYMLINK else '='} {show(node.file.link)}"
    text = f"{facts}{row.prefix}{mark}{name}{'/' if row.directory else ''}"
    if cursor:
        return [(fit(text + " " * width, width), CURSOR)]
    before = fit(facts + row.prefix, width)
    return [(before, DIM), (fit(text, width)[len(before) :], STYLE_OF[node.change])]


def _mode(node: Node) -> str:
    if node.file is None:
        return ""
    bits = node.file.mode
    text = "".join(letter if bits >> shift & 1 else "-" for shift, letter in zip(range(8, -1, -1), "rwxrwxrwx"))
    for bit, at, letter in ((0o4000, 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")):
        if bits & bit:
            text = text[:at] + (letter if text[at] == "x" else letter.upper()) + text[at + 1 :]
    return _LETTERS.get(node.file.type, "-") + text


def _owner(node: Node) -> str:
    return f"{node.file.uid}:{node.file.gid}" if node.file else ""


def _foot(state: State) -> str:
    if state.typing:
        return "type a regular expression; Enter: keep it, Esc: no filter"
    common = "q quit  Tab other pane  ^F filter"
    if state.pane == LAYERS:
        return f"{common}  ↑↓ layer  ^L its changes  ^A all changes"
    shown = "  ".join(
        f"^{key} {'show' if change in state.hidden else 'hide'} {name}"
        for key, change, name in (
            ("A", ADDED, "added"),
            ("R", REMOVED, "removed"),
            ("M", MODIFIED, "modified"),
            ("U", UNMODIFIED, "unmodified"),
        )
    )
    return f"{common}  Space fold  ^Space fold all  {shown}  ^B attributes"
