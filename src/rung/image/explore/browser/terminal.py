"""The browser on a real terminal, by curses: keys in, lines out, and nothing decided.

Control characters are taken as keys (``raw``), so that Ctrl-C leaves the terminal as it was found.
"""

from __future__ import annotations

import curses
import locale
import os

from rung.errors import RungError
from rung.image.explore.browser.draw import CURSOR, DIM, PLAIN, TITLE, page, screen
from rung.image.explore.browser.rows import View
from rung.image.explore.browser.state import State, press, resized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.explore.analysis import Analysis

_SPECIAL = {
    curses.KEY_UP: "up", curses.KEY_DOWN: "down", curses.KEY_LEFT: "left", curses.KEY_RIGHT: "right",
    curses.KEY_PPAGE: "pgup", curses.KEY_NPAGE: "pgdn", curses.KEY_HOME: "home", curses.KEY_END: "end",
    curses.KEY_BACKSPACE: "backspace", curses.KEY_RESIZE: "resize", curses.KEY_ENTER: "ctrl-m",
}  # fmt: skip
_CONTROL = {"\0": "ctrl-space", "\t": "tab", "\x1b": "esc", "\x7f": "backspace", "\x08": "backspace", " ": "space"}
_ESCAPE_MS = 25


def key_name(key: int | str) -> str:
    """A key as curses gives it, by the name that states know."""
    if isinstance(key, int):
        return _SPECIAL.get(key, "")
    if key in _CONTROL:
        return _CONTROL[key]
    if key == "\n":
        return "ctrl-m"
    return f"ctrl-{chr(ord(key) + 96)}" if ord(key) < 27 else key


def browse(name: str, analysis: Analysis) -> None:
    """Show an analysis until its user leaves. Raises ``RungError`` where there is no terminal to do so."""
    locale.setlocale(locale.LC_ALL, "")
    os.environ.setdefault("ESCDELAY", str(_ESCAPE_MS))
    try:
        curses.wrapper(_loop, View(name, analysis))
    except curses.error as error:
        kind = os.environ.get("TERM") or "none"
        raise RungError("browse", name, f"the terminal ({kind}) cannot show it: {error}", "use --text") from None


def _loop(window: curses.window, view: View) -> None:
    curses.raw()
    curses.nonl()
    try:
        curses.curs_set(0)
    except curses.error:
        pass  # a terminal without such a thing
    styles = _styles()
    state = State()
    while not state.done:
        height, width = window.getmaxyx()
        state = resized(state, page(height), view)
        _put(window, view, state, width, height, styles)
        try:
            state = press(state, key_name(window.get_wch()), view)
        except curses.error:  # interrupted by a signal
            continue


def _put(window: curses.window, view: View, state: State, width: int, height: int, styles: dict[str, int]) -> None:
    window.erase()
    for y, line in enumerate(screen(view, state, width, height)):
        window.move(y, 0)
        for text, style in line:
            try:
                window.addstr(text, styles[style])
            except curses.error:
                break  # the last column of the last line cannot be left by the cursor
    window.refresh()


def _styles() -> dict[str, int]:
    styles = {PLAIN: curses.A_NORMAL, TITLE: curses.A_BOLD, CURSOR: curses.A_REVERSE, DIM: curses.A_DIM}
    colours = (("added", curses.COLOR_GREEN), ("modified", curses.COLOR_YELLOW), ("removed", curses.COLOR_RED))
    if not curses.has_colors():
        marks = {"added": curses.A_BOLD, "modified": curses.A_UNDERLINE, "removed": curses.A_DIM}
        return {**styles, **marks}
    curses.use_default_colors()
    for number, (name, colour) in enumerate(colours, 1):
        curses.init_pair(number, colour, -1)
        styles[name] = curses.color_pair(number)
    return styles
